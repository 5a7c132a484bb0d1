/** Every figure of a job that users see, against the bytes on the disk and the judge, by kind of
 *  job, compression of the input, and number of reduce tasks. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { type Coordinator, openCoordinator } from "../../src/coordinator/coordinator.ts";
import type { JobSummary } from "../../src/core/summary.ts";
import { hostId } from "../../src/link/host.ts";
import { bundleJob } from "../../src/sdk/bundle.ts";
import { Client } from "../../src/sdk/client.ts";
import { collect, saveResult } from "../../src/sdk/collect.ts";
import { runLocal } from "../../src/sdk/local.ts";
import { type PlanOptions, planJob } from "../../src/sdk/plan.ts";
import { submitJob } from "../../src/sdk/submit.ts";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { testMaxMs, waitMaxMs } from "../../src/store/testing/patience.ts";
import { startWorker } from "../../src/worker/node.ts";
import { isShort } from "../fixtures/depth.ts";

const folder = newFolder("tequio-counters-");
let coordinator: Coordinator;
let client: Client;
let stopWorker = async () => {};

before(async () => {
  coordinator = await openCoordinator({
    dataDir: join(folder, "data"),
    listen: "127.0.0.1:0",
    version: "test",
  });
  const { url, adminToken: token } = coordinator;
  client = new Client({ url, token });
  const worker = await startWorker({
    url,
    token: await coordinator.joinToken({ ttlMs: testMaxMs, usesMax: 1 }),
    dataDir: join(folder, "worker"),
    slots: 2,
    memoryBytes: 512 * 1024 * 1024,
    name: "counted",
    sandbox: "auto",
    listen: "127.0.0.1:0",
  });
  stopWorker = () => worker.stop(0);
});

after(async () => {
  client.close();
  await stopWorker();
  await coordinator.close();
  removeFolder(folder);
});

const header = "k,v\n";
const rows = Array.from({ length: 3_000 }, (_, n) => `key-${n % 97},${n % 13}\n`);

const compressions = {
  plain: (text: string) => ["", Buffer.from(text)] as const,
  gzip: (text: string) => [".gz", gzipSync(text)] as const,
  zstd: (text: string) => [".zst", zstdCompressSync(text)] as const,
};
type Compression = keyof typeof compressions;

/** Three files: of a few splits, of one, and without a record. */
function inputsOf(compression: Compression | "mixed"): string[] {
  const kinds = Object.keys(compressions) as Compression[];
  const dir = join(folder, `in-${compression}`);
  mkdirSync(dir, { recursive: true });
  const contents = [header + rows.join(""), header + rows.slice(0, 40).join(""), header];
  return contents.map((text, i) => {
    const kind = compression === "mixed" ? kinds[i]! : compression;
    const [suffix, bytes] = compressions[kind](text);
    const path = join(dir, `${i}.csv${suffix}`);
    writeFileSync(path, bytes);
    return path;
  });
}

const mapped = `input: text.csv(["k", "v"]), badRecords: "keep",
  map(row, emit) { count("rows"); if (row.v === "7") throw new Error("no"); emit(row.k, +row.v); }`;
const kinds: Readonly<Record<string, string>> = {
  "sum, an operator": `text.csv(["k", "v"]).by("k").sum("v")`,
  "count, an operator": `text.csv(["k", "v"]).by("v").count()`,
  words: "text.words().count()",
  "sort of lines": "text.lines().sort()",
  "sort of rows": `text.csv(["k", "v"]).sort({ by: "v" })`,
  mapReduce: `mapReduce({ ${mapped}, combine: (a, b) => a + b })`,
  "map without reduce": `mapReduce({ ${mapped}, reducers: 0, output: "text" })`,
};

async function ended(job: string): Promise<JobSummary> {
  let last: JobSummary | null = null;
  const signal = AbortSignal.timeout(waitMaxMs);
  for await (const summary of client.watch(job as never, { signal })) last = summary;
  assert.equal(last?.state, "done", JSON.stringify(last?.failure));
  return last!;
}

function sizesOf(dir: string): number {
  const names = readdirSync(dir).filter((name) => name !== "_bad");
  return names.reduce((sum, name) => sum + statSync(join(dir, name)).size, 0);
}

/** Lines of the result. */
function recordsOf(dir: string): number {
  const names = readdirSync(dir).filter((name) => name !== "_bad");
  return names
    .map((name) => readFileSync(join(dir, name), "utf8").split("\n").length - 1)
    .reduce((sum, n) => sum + n, 0);
}

let number = 0;
async function counted(source: string, given: Partial<PlanOptions>) {
  const at = join(folder, `job-${++number}`);
  mkdirSync(at);
  const path = join(at, "job.ts");
  writeFileSync(
    path,
    `import { count, mapReduce, tasks, text } from "tequio";\nexport default ${source};\n`,
  );
  const built = await bundleJob(path);
  const planned = await planJob(built.job, { inputs: [], params: {}, host: hostId(), ...given });
  try {
    const judged = await runLocal(built.job, planned);
    await saveResult(judged.result, { kind: "folder", path: join(at, "judge") });
    const summary = await ended(await submitJob(client, built, planned, { name: "counted" }));
    const out = join(at, "out");
    const collected = await collect(client, summary, { kind: "folder", path: out });
    return { summary, collected, judged, out, judge: join(at, "judge") };
  } finally {
    await planned.remove();
  }
}

for (const [number, [name, source]] of Object.entries(kinds).entries()) {
  for (const [at, compression] of (["plain", "gzip", "mixed"] as const).entries()) {
    if (isShort && at !== number % 3) continue;
    for (const reducers of name.includes("without") ? [0] : [1, 4]) {
      const what = `${name}, ${compression}, ${reducers} reducers`;
      test(`${what}: figures are those of the disk`, async () => {
        const inputs = inputsOf(compression);
        const given = { inputs, splitBytes: 8_000, ...(reducers === 0 ? {} : { reducers }) };
        const { collected, judge, judged, out, summary } = await counted(source, given);
        const inputBytes = inputs.reduce((sum, path) => sum + statSync(path).size, 0);
        const [map, reduce] = summary.stages;
        const last = summary.stages.at(-1)!;
        assert.equal(map!.inputBytes, inputBytes, "input of the plan");
        assert.equal(map!.inputBytesDone, inputBytes, "input that was read");
        if (reduce !== undefined) assert.equal(reduce.inputBytesDone, map!.outputBytes, "shuffled");
        assert.equal(last.outputBytes, sizesOf(judge), "bytes of the result");
        assert.equal(last.outputRecords, recordsOf(judge), "records of the result");
        assert.equal(collected.sizeBytes, sizesOf(out), "bytes that were collected");
        assert.deepEqual(summary.counters, judged.counters);
        for (const stage of summary.stages) {
          assert.equal(stage.done, stage.taskCount);
          assert.equal(stage.running + stage.ready + stage.waiting, 0);
        }
      });
    }
  }
}

test("a list of tasks: figures are those of the disk", async () => {
  const source = `tasks({ items: [1, 2, 3, 4, 5], run(n) { count("ran"); return { é: n }; } })`;
  const { collected, judge, judged, out, summary } = await counted(source, {});
  const [stage] = summary.stages;
  assert.equal(stage!.outputRecords, recordsOf(judge));
  assert.equal(collected.sizeBytes, sizesOf(out));
  // The values alone, without the ends of their lines.
  assert.equal(stage!.outputBytes + stage!.outputRecords, sizesOf(judge));
  assert.deepEqual(summary.counters, judged.counters);
});
