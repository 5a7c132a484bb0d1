/** `tequio scale slurm` with the real programs of Slurm on loopback. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { WorkerSummary } from "../../src/core/summary.ts";
import { atEnd } from "../../src/store/testing/at-end.ts";
import { polled } from "../../src/store/testing/polled.ts";
import { Place, type Running } from "../fixtures/place.ts";
import { programFile } from "../fixtures/programs.ts";
import { Slurm, noSlurm as skip } from "../fixtures/slurm.ts";

type Cluster = { readonly place: Place; readonly slurm: Slurm; readonly url: string };

const count = `import { mapReduce, text } from "tequio";
export default mapReduce({
  name: "count",
  clock: "real",
  input: text.lines(),
  map(line, emit) {
    console.log("it has begun");
    for (const endMs = Date.now() + 1_000; Date.now() < endMs; );
    for (const word of line.split(" ")) emit(word, 1);
  },
  combine: (a, b) => a + b,
});
`;

/** Longer than the time limit on two slots, however quick the machine is. */
const squares = `import { tasks } from "tequio";
export default tasks({
  items: Array.from({ length: 48 }, (_, n) => n),
  clock: "real",
  async run(n) {
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    return n * n;
  },
});
`;

/** A task for each line. */
const lines = ["lines.txt", "--split-bytes", "1K"];

/** With a file of so many lines. */
async function clusterOf(t: TestContext, length = 0): Promise<Cluster> {
  const slurm = await Slurm.during(t);
  const all = Array.from({ length }, (_, n) => `all ${n % 3} of ${n} `.padEnd(1_023, "-"));
  const place = new Place(t, {
    ...{ "count.ts": count, "squares.ts": squares },
    "lines.txt": `${all.join("\n")}\n`,
  });
  const up = place.start("up", "--workers", "0", "--listen", "127.0.0.1:0", "--json");
  await up.said("}\n");
  return { place, slurm, url: JSON.parse(place.read("data/endpoint.json")).url };
}

function scale({ place, slurm, url }: Cluster, ...more: readonly string[]): Running {
  const program = ["--program", `'${process.execPath}' '${programFile("tequio")}'`];
  const quick = ["--every", "100ms", "--hold", "500ms", "--within", "1s", "--json"];
  const args = ["slurm", "--join", url, ...program, ...quick, ...more];
  return place.startBy(["env", slurm.environment], "scale", ...args);
}

test("Ctrl-C takes back what waits in Slurm and what runs there", { skip }, async (t) => {
  const cluster = await clusterOf(t);
  const { place, slurm } = cluster;
  const scaling = scale(cluster, "--min", "4", "--max", "4", "--slots", "2");
  await polled(
    () => slurm.asked("squeue", "--noheader", "--array", "--format=%t"),
    (text) => text.split(/\s+/).filter(Boolean).toSorted().join(" ") === "PD PD R R",
  );
  scaling.child.kill("SIGINT");
  const ended = await scaling.ended;
  assert.equal(ended.code, 0, ended.err);
  assert.deepEqual(await slurm.jobs(), []);
  assert.deepEqual(place.leftovers(), []);
});

test("a job ends on workers of Slurm, of which some are lost", { skip }, async (t) => {
  const cluster = await clusterOf(t, 24);
  const { place, slurm } = cluster;
  const scaling = scale(cluster, "--max", "2", "--drain", "5s");
  await scaling.said('"kind":"started"');
  const watch = watching(t, slurm);
  const run = place.start("run", "count.ts", ...lines, "-o", "out.ndjson", "--watch");
  await run.said("it has begun");
  const [cancelled, killed] = (await watch.until(({ length }) => length === 2)) as [string, string];
  await slurm.asked("scancel", cancelled);
  // One more has come for it, and both run.
  await watch.until((jobs) => jobs.length === 2 && !jobs.includes(cancelled));
  const [pid] = await polled(
    async () => workersOf(place, killed),
    (pids) => pids.length > 0,
  );
  process.kill(pid!, "SIGKILL");
  await watch.until((jobs) => jobs.length === 2 && !jobs.includes(killed));
  const ended = await run.ended;
  assert.equal(ended.code, 0, ended.err);
  const judged = await place.run(
    "run",
    "count.ts",
    ...lines,
    "-o",
    "judged.ndjson",
    "--sequential",
  );
  assert.equal(judged.code, 0, judged.err);
  assert.equal(place.read("out.ndjson"), place.read("judged.ndjson"));
  // Nothing waits any more.
  await watch.until((jobs) => jobs.length === 0);
  assert.ok((await watch.end()) <= 2, "never more than --max");
  scaling.child.kill("SIGTERM");
  const { code, err } = await scaling.ended;
  assert.equal(code, 0, err);
  assert.deepEqual(await slurm.jobs(), []);
  assert.deepEqual(place.leftovers(), []);
});

test("a program that is missing on the nodes is reported, not asked for again and again", {
  skip,
}, async (t) => {
  const cluster = await clusterOf(t);
  const { slurm } = cluster;
  const scaling = scale(cluster, "--min", "1", "--max", "1", "--program", "/no/such/tequio");
  await scaling.said("1 job of Slurm failed: 1_1; to see what they print");
  for (const next of ["2_1", "3_1", "4_1"]) await scaling.said(`Slurm failed: ${next};`);
  scaling.child.kill("SIGTERM");
  const { code, err, out } = await scaling.ended;
  assert.equal(code, 0, err);
  // It looks every 100 ms; only after a failure has been reported it asks again.
  const kinds = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).kind as string);
  const [asked, ended] = ["step", "ended"].map(
    (kind) => kinds.filter((one) => one === kind).length,
  );
  assert.ok(asked! <= ended! + 1, out);
  assert.deepEqual(await slurm.jobs(), []);
});

test("workers leave before the time limit of their jobs", { skip }, async (t) => {
  // The limit is the partition's: no option says it.
  const cluster = await clusterOf(t);
  const { place, slurm } = cluster;
  await slurm.asked("scontrol", "update", "PartitionName=test", "DefaultTime=1");
  const scaling = scale(cluster, "--max", "2", "--drain", "20s");
  const run = place.start("run", "squares.ts", "-o", "-");
  const ended = await run.ended;
  assert.equal(ended.code, 0, ended.err);
  const { out } = await place.run("workers", "--all", "--json");
  const workers = JSON.parse(out) as WorkerSummary[];
  const left = workers.filter(isOver);
  assert.ok(left.length >= 2 && workers.length > 2, `some have left, others came: ${out}`);
  assert.deepEqual(
    left.filter(({ failed, lost }) => failed > 0 || lost?.reason !== "bye"),
    [],
    "in good order, with no attempt lost",
  );
  for (const { joinedAtMs, lost } of left) {
    const livedMs = lost!.atMs - joinedAtMs;
    assert.ok(livedMs < 60_000, `${livedMs} ms`);
  }
  assert.ok(new Set(left.map(({ lost }) => lost?.atMs)).size > 1, "not all at once");
  const done = workers.reduce((sum, worker) => sum + worker.done, 0);
  assert.ok(done >= 48);
  const squared = Array.from({ length: 48 }, (_, n) => String(n * n));
  assert.deepEqual(ended.out.trim().split("\n"), squared);
  scaling.child.kill("SIGTERM");
  await scaling.ended;
  const states = await slurm.asked("squeue", "--noheader", "--states=all", "--format=%T");
  assert.doesNotMatch(states, /TIMEOUT|FAILED/);
});

function isOver({ lost, paused }: WorkerSummary): boolean {
  return lost !== undefined && paused === "its lifetime ends";
}

/** Processes of the worker of a job of Slurm. */
function workersOf(place: Place, job: string): number[] {
  const named = `--name\0slurm-${job}\0`;
  return place.processes().filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(named);
    } catch {
      return false;
    }
  });
}

/** Looks at what Slurm has for as long as a test goes on, and keeps the most. */
function watching(t: TestContext, slurm: Slurm) {
  let [jobs, most] = [[] as string[], 0];
  const ending = new AbortController();
  const watch = async () => {
    while (!ending.signal.aborted) {
      jobs = await slurm.jobs();
      most = Math.max(most, jobs.length);
      await delay(100, null, { signal: ending.signal }).catch(() => {});
    }
  };
  const watched = watch();
  const end = () => {
    ending.abort();
    return watched.then(() => most);
  };
  atEnd(t, end);
  return {
    until: (isSo: (jobs: readonly string[]) => boolean) => polled(async () => jobs, isSo),
    end,
  };
}

test("sbatch accepts the script of --dry-run", { skip }, async (t) => {
  const cluster = await clusterOf(t);
  const { place, slurm } = cluster;
  const dry = scale(cluster, "--max", "4", "--dry-run", "--", "--time=5", "--comment=two words");
  const { code, err, out } = await dry.ended;
  assert.equal(code, 0, err);
  const file = place.write("script.sh", out);
  assert.match(readFileSync(file, "utf8"), /^#SBATCH --time=5$/m);
  await slurm.asked("sbatch", "--test-only", file);
});
