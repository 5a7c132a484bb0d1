/** What do very many very small inputs cost? A word count of 20,000 and of 200,000 files of about
 *  100 bytes on two workers: the whole of `tequio run`, and apart how long planning, submitting and
 *  running take, and the coordinator's memory; against what one would type: find, cat and a
 *  script. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { bundleJob } from "../../src/sdk/bundle.ts";
import { connect } from "../../src/sdk/client.ts";
import { planJob } from "../../src/sdk/plan.ts";
import { submitJob } from "../../src/sdk/submit.ts";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { type Cluster, cli, root, startCluster } from "../../test/fixtures/cluster.ts";
import { type BenchOptions, type Case, type Figure, median, takeTurns } from "../case.ts";
import { command } from "../command.ts";
import { oursCounts, plainCounts, sameCounts } from "../counts.ts";
import { peakOf } from "../memory.ts";
import { tinyFiles } from "./tiny-inputs.ts";

const fileCounts = [20_000, 200_000];
/** The claim, of the largest: at least as fast as the script that one would type. */
const asFastAs = { count: 200_000, rival: "find | xargs cat | script", atLeast: 1 };
const quickCounts = [2_000];
const job = join(root, "examples", "word-count", "job.ts");
const script = join(import.meta.dirname, "../rivals/word-count-plain.mjs");

export const tinyFilesCase: Case = {
  name: "tiny-files",
  question: "Word count of 20,000 and 200,000 files of 100 bytes: two workers against cat | script",
  async run(options) {
    const figures: Figure[] = [];
    for (const count of options.quick ? quickCounts : fileCounts) {
      figures.push(...(await measure(count, options)));
    }
    return figures;
  },
};

const awk = "{ for (i = 1; i <= NF; i++) count[$i]++ } END { for (w in count) print w, count[w] }";
const add = "{ count[$1] += $2 } END { for (w in count) print w, count[w] }";

const found = 'find "$1" -type f -print0 | xargs -0';

/** `$1`: the folder, `$2`: the result. */
const rivals = [
  {
    name: "find | xargs cat | script",
    shell: `${found} cat | ${process.execPath} ${script} /dev/stdin "$2"`,
  },
  {
    name: "find | xargs -P2 awk | awk",
    shell: `${found} -n 2000 -P 2 awk '${awk}' | awk '${add}' > "$2"`,
  },
];

async function measure(count: number, options: BenchOptions): Promise<Figure[]> {
  options.say(`making ${count.toLocaleString("en")} files, unless they are there`);
  const input = tinyFiles(count);
  const directory = newFolder("tequio-bench-");
  const cluster = await startCluster(2);
  const out = join(directory, "ours");
  const plain = join(directory, "plain.txt");
  const onCluster = async () => {
    rmSync(out, { recursive: true, force: true });
    const target = ["--data", cluster.dataDir, "--json"];
    await command(process.execPath, [cli, "run", job, input, "-o", out, ...target]);
  };
  const asRival = ({ name, shell }: (typeof rivals)[number], output: string) => {
    return { name, isRival: true, run: () => command("sh", ["-c", shell, "sh", input, output]) };
  };
  const [first, second] = rivals as [(typeof rivals)[0], (typeof rivals)[0]];
  try {
    const contestants = [
      { name: "two workers", run: onCluster },
      asRival(first, plain),
      asRival(second, join(directory, "awk.txt")),
    ];
    const times = await takeTurns(contestants, options);
    const isEqual = sameCounts(oursCounts(out), plainCounts(plain));
    const phases = await measurePhases(cluster, input, options);
    return figures(count, { times, phases, isEqual, peakBytes: peakOf(cluster.pid) });
  } finally {
    await cluster.stop();
    removeFolder(directory);
  }
}

/** Medians, ms. */
type Phases = { readonly plan: number; readonly submit: number; readonly run: number };

async function measurePhases(
  cluster: Cluster,
  input: string,
  { rounds, say }: BenchOptions,
): Promise<Phases> {
  const client = await connect({ url: cluster.url, token: cluster.adminToken() });
  const took = { plan: [] as number[], submit: [] as number[], run: [] as number[] };
  try {
    const built = await bundleJob(job);
    const { host } = await client.health();
    for (let round = 0; round < rounds; round++) {
      const atMs = [performance.now()];
      const planned = await planJob(built.job, { inputs: [input], params: {}, host });
      atMs.push(performance.now());
      const id = await submitJob(client, built, planned, { name: "tiny files" });
      atMs.push(performance.now());
      await planned.remove();
      for await (const { state } of client.watch(id)) {
        if (state === "running") continue;
        if (state !== "done") throw new Error(`${id} is ${state}`);
        break;
      }
      atMs.push(performance.now());
      const [plan, submit, run] = [1, 2, 3].map((index) => atMs[index]! - atMs[index - 1]!);
      took.plan.push(plan!);
      took.submit.push(submit!);
      took.run.push(run!);
    }
  } finally {
    client.close();
  }
  const [plan, submit, run] = [median(took.plan), median(took.submit), median(took.run)];
  const texts = [plan, submit, run].map((ms) => `${ms.toFixed(0)} ms`);
  say(`planned in ${texts[0]}, submitted in ${texts[1]}, run in ${texts[2]}`);
  return { plan, submit, run };
}

type Measured = {
  readonly times: ReadonlyMap<string, number>;
  readonly phases: Phases;
  readonly isEqual: boolean;
  readonly peakBytes: number;
};

function figures(count: number, { times, phases, isEqual, peakBytes }: Measured): Figure[] {
  const files = `${count.toLocaleString("en")} files`;
  const ours = times.get("two workers")!;
  const ms = { unit: "ms" } as const;
  return [
    ...rivals.map(({ name }): Figure => {
      const isBound = count === asFastAs.count && name === asFastAs.rival;
      const bound = isBound ? { atLeast: asFastAs.atLeast } : {};
      const value = times.get(name)! / ours;
      return { name: `${files}: as fast as ${name}`, value, unit: "×", ...bound };
    }),
    ...[...times].map(([name, value]): Figure => ({ name: `${files}: ${name}`, value, ...ms })),
    { name: `${files}: to plan`, value: phases.plan, ...ms },
    { name: `${files}: to submit`, value: phases.submit, ...ms },
    { name: `${files}: to run`, value: phases.run, ...ms },
    { name: `${files}: most memory of the coordinator`, value: peakBytes / 1e6, unit: "MB" },
    {
      name: `${files}: result equal to the script's`,
      value: isEqual ? 1 : 0,
      unit: "",
      atLeast: 1,
    },
  ];
}
