/** Shortens a failing run: removes jobs and faults as long as it still breaks the same law. */
import { type SeedResult, type SimOptions, simulate } from "./simulate.ts";

export type Short = {
  readonly result: SeedResult;
  /** The command that repeats it. */
  readonly command: string;
  readonly runs: number;
};

/** Limit on the number of runs. */
const runsMax = 400;

export async function shrink(options: SimOptions, failing: SeedResult): Promise<Short> {
  const law = lawOf(failing);
  let runs = 0;
  let result = failing;
  let faults = [...(options.faults ?? failing.faults.map(({ number }) => number))];
  let jobs = [...(options.jobs ?? failing.jobs)];
  const stillFails = async (tried: { faults: number[]; jobs: number[] }): Promise<boolean> => {
    runs += 1;
    const again = await simulate({
      ...options,
      faults: new Set(tried.faults),
      jobs: new Set(tried.jobs),
    });
    if (lawOf(again) !== law) return false;
    result = again;
    return true;
  };
  // Faults that had not happened yet at the violation cannot matter.
  const happened = failing.faults.filter(({ atMs }) => atMs <= failing.clusterMs);
  const early = new Set(happened.map(({ number }) => number));
  const some = faults.filter((number) => early.has(number));
  if (await stillFails({ faults: some, jobs })) faults = some;
  for (let round = 0; round < 2; round++) {
    jobs = await fewer(
      jobs,
      (tried) => stillFails({ faults, jobs: tried }),
      () => runs < runsMax,
    );
    faults = await fewer(
      faults,
      (tried) => stillFails({ faults: tried, jobs }),
      () => runs < runsMax,
    );
  }
  const kind = options.tabLists ? " --tab-lists" : "";
  const command =
    `npm run simulate --${kind} --seed ${options.seed} --faults "${faults.join(",")}" ` +
    `--jobs "${jobs.join(",")}" --story`;
  return { result, command, runs };
}

/** Leaves out ever smaller parts of the list. */
async function fewer(
  list: number[],
  fails: (tried: number[]) => Promise<boolean>,
  mayGoOn: () => boolean,
): Promise<number[]> {
  let kept = list;
  for (let size = Math.ceil(kept.length / 2); size >= 1 && mayGoOn(); size = Math.floor(size / 2)) {
    for (let at = 0; at < kept.length && mayGoOn(); ) {
      const tried = [...kept.slice(0, at), ...kept.slice(at + size)];
      if (await fails(tried)) kept = tried;
      else at += size;
    }
  }
  return kept;
}

/** The beginning of the message, without its numbers. */
function lawOf(result: SeedResult): string | null {
  if (result.broken === null) return null;
  const { message } = result.broken;
  return message.replace(/\(.*|[0-9]+/gs, "#").slice(0, 60);
}
