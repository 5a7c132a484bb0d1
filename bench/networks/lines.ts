/** How long does a job take whose input is on another machine than those that compute? A word count
 *  over far lines and lossy ones, between machines that are network namespaces; against what one
 *  would type with ssh. Each round counts other content, so that none is there already. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  at,
  type FarCluster,
  farCluster,
  wordCount,
  words,
} from "../../test/network/machines/far-cluster.ts";
import { type Cable, missing } from "../../test/network/machines/machines.ts";
import { type BenchOptions, type Case, type Figure, takeTurns } from "../case.ts";
import { oursCounts, plainCounts, sameCounts } from "../counts.ts";
import { lackOf, type Rival, reachableBySsh, rivals, runRival } from "./remote.ts";

type Line = { readonly name: string; readonly cable: Cable; readonly megabytes: number };

/** Each end of a path has half of its delay and loss. */
const lines: readonly Line[] = [
  { name: "20 ms, 50 Mbit", cable: { delayMs: 5, bitsPerS: 50e6 }, megabytes: 40 },
  {
    name: "80 ms, 10 Mbit, 0.5 % loss",
    cable: { delayMs: 20, bitsPerS: 10e6, loss: 0.0025 },
    megabytes: 20,
  },
];
/** The claim, of the whole job. */
const ofTheLine = 1.5;
const quickMegabytes = 2;

export const networks: Case = {
  name: "networks",
  question: "Word count of an input elsewhere over far and lossy lines: three machines against ssh",
  async run(options) {
    const lack = missing();
    if (lack !== null) {
      options.say(`left out: machines need ${lack}`);
      return [];
    }
    const figures: Figure[] = [];
    for (const line of lines) figures.push(...(await onLine(line, options)));
    return figures;
  },
};

async function onLine(line: Line, options: BenchOptions): Promise<Figure[]> {
  const undone: Array<() => Promise<void>> = [];
  const ending = { after: (undo: () => Promise<void>) => void undone.push(undo) };
  try {
    return await measured(ending, line, options);
  } finally {
    for (const undo of undone.toReversed()) await undo();
  }
}

type Ending = Parameters<typeof farCluster>[0];

async function measured(t: Ending, { cable, name, ...line }: Line, options: BenchOptions) {
  const megabytes = options.quick ? quickMegabytes : line.megabytes;
  const cluster = await farCluster(t, cable);
  const { place } = cluster;
  const out = join(place.dir, "ours");
  const input = join(place.dir, "input.txt");
  const text = words(megabytes);
  const dir = await reachableBySsh(t, cluster);
  const outputOf = (rival: Rival) => join(place.dir, `${rivals.indexOf(rival)}.txt`);
  let round = 0;
  const ours = async () => {
    const cut = text.indexOf("\n", ++round * 1_000) + 1;
    writeFileSync(input, text.slice(cut) + text.slice(0, cut));
    rmSync(out, { recursive: true, force: true });
    const sinceMs = performance.now();
    await counted(cluster, out);
    return performance.now() - sinceMs;
  };
  const present = rivals.filter((rival) => {
    const lack = lackOf(rival);
    if (lack !== null) options.say(`${rival.name}: left out, ${lack} is not installed`);
    return lack === null;
  });
  const contestants = present.map((rival) => {
    const files = { input, output: outputOf(rival), dir };
    return { name: rival.name, isRival: true, run: () => runRival(rival, cluster, files) };
  });
  const times = await takeTurns([{ name: "Tequio", run: ours }, ...contestants], options);
  const found = oursCounts(out);
  const isEqual = present.every((rival) => sameCounts(found, plainCounts(outputOf(rival))));
  const lineMs = (megabytes * 8e9) / cable.bitsPerS!;
  const shown = { name, megabytes, lineMs };
  return figuresOf(shown, { times, isEqual });
}

async function counted({ place, run, target }: FarCluster, out: string): Promise<void> {
  const cut = ["--split-bytes", "2M", "--reducers", "4"];
  const { code, err } = await run(
    at.submitter,
    ...["run", wordCount, "input.txt", ...cut, "-o", out, "--json", ...target],
  ).ended;
  if (code !== 0) throw new Error(`the job in ${place.dir} ended with ${code}: ${err}`);
}

function figuresOf(
  { lineMs, megabytes, name }: { name: string; megabytes: number; lineMs: number },
  of: { readonly times: ReadonlyMap<string, number>; readonly isEqual: boolean },
): Figure[] {
  const title = `${megabytes} MB over ${name}`;
  const ours = of.times.get("Tequio")!;
  const bars = [...of.times].map(([label, ms]): Figure => {
    const bar = { title: `Word count of ${title}, s`, label, isOurs: label === "Tequio" };
    return { name: `${title}: ${label}`, value: ms / 1_000, unit: "s", bar };
  });
  const ratios = [...of.times].filter(([label]) => label !== "Tequio");
  return [
    {
      name: `${title}: of the line's own time`,
      value: ours / lineMs,
      unit: "×",
      atMost: ofTheLine,
    },
    ...bars,
    ...ratios.map(([label, ms]): Figure => {
      return { name: `${title}: faster than ${label}`, value: ms / ours, unit: "×", atLeast: 1 };
    }),
    { name: `${title}: results are equal`, value: of.isEqual ? 1 : 0, unit: "", atLeast: 1 },
  ];
}
