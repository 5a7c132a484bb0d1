/** What a benchmark is: one question, some contestants, figures with the bound that they must
 *  keep. */

export type BenchOptions = {
  /** Smaller inputs and fewer rounds: shows that everything runs, not how fast. */
  readonly quick: boolean;
  readonly rounds: number;
  /** Sizes of the data of `sort-sizes`, GiB; default: its own. */
  readonly gib?: readonly number[];
  /** Says what is going on; not part of the result. */
  readonly say: (line: string) => void;
};

export type Figure = {
  /** Stable: the README and earlier results name it. */
  readonly name: string;
  readonly value: number;
  /** `×` is a ratio to a rival measured in the same minutes. */
  readonly unit: string;
  /** The promise of the project: at least or at most. */
  readonly atLeast?: number;
  readonly atMost?: number;
  /** Fewer than the others of its case, since a round took long; see `takeTurns`. */
  readonly rounds?: number;
  /** Makes it a bar of the plot, among those with the same title. */
  readonly bar?: Bar;
};

export type Bar = {
  readonly title: string;
  readonly label: string;
  readonly isOurs: boolean;
};

export type Case = {
  readonly name: string;
  readonly question: string;
  run(options: BenchOptions): Promise<Figure[]>;
};

export function keepsBound({ value, atLeast, atMost }: Figure): boolean {
  return value >= (atLeast ?? Number.NEGATIVE_INFINITY) && value <= (atMost ?? Infinity);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length === 0) throw new Error("no values to take the median of");
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export type Contestant = {
  readonly name: string;
  /** A number is taken as the ms it took: without its own start, say. */
  readonly run: () => Promise<unknown>;
  /** Another program: it runs fewer rounds when they take long. */
  readonly isRival?: boolean;
};

/** A rival whose first round takes longer, ms, runs so many rounds at most. */
const slow = { overMs: 60_000, rounds: 1 } as const;

/** Median ms by contestant. */
export class Times extends Map<string, number> {
  /** Of those that ran fewer rounds than the others. */
  readonly fewer = new Map<string, number>();

  /** For a figure that comes from the times of these contestants. */
  roundsOf(...names: readonly string[]): { readonly rounds?: number } {
    const rounds = Math.min(...names.map((name) => this.fewer.get(name) ?? Infinity));
    return rounds === Infinity ? {} : { rounds };
  }
}

/** They take turns, so that a slow minute of the machine hits all. */
export async function takeTurns(
  contestants: readonly Contestant[],
  options: BenchOptions,
): Promise<Times> {
  const measured = new Map<string, number[]>(contestants.map(({ name }) => [name, []]));
  const times = new Times();
  for (let round = 0; round < options.rounds; round++) {
    for (const { name, run, isRival = false } of contestants) {
      if (round >= (times.fewer.get(name) ?? Infinity)) continue;
      const startedMs = performance.now();
      const told = await run();
      const tookMs = typeof told === "number" ? told : performance.now() - startedMs;
      measured.get(name)!.push(tookMs);
      options.say(
        `round ${round + 1} of ${options.rounds}: ${name} ${(tookMs / 1000).toFixed(2)} s`,
      );
      const isSlow = isRival && round === 0 && tookMs > slow.overMs;
      if (isSlow && slow.rounds < options.rounds) {
        times.fewer.set(name, slow.rounds);
        options.say(`${name} is slow: it runs ${slow.rounds} of ${options.rounds} rounds`);
      }
    }
  }
  for (const [name, values] of measured) times.set(name, median(values));
  return times;
}
