/** The limit of `--memory` holds, measured from outside, and changes no byte of a result. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { ownBytesOf, watchTree } from "../../bench/memory.ts";
import { newFolder, temporaryDir } from "../../src/store/testing/at-end.ts";
import { testMaxMs } from "../../src/store/testing/patience.ts";
import { cli, startCluster } from "../fixtures/cluster.ts";

const run = promisify(execFile);
const folder = temporaryDir({ after }, "tequio-memory-");
const mebibyte = 1024 * 1024;
/** What the engine may take for each process: the worker, one for its slot, and a spare. */
const engineBytes = 64 * mebibyte;
const processes = 3;

/** 600,000 distinct keys, 70 MiB in the table of one map task. */
const sdk = JSON.stringify(join(import.meta.dirname, "../../src/index.ts"));
const keysJob = `import { mapReduce, text } from ${sdk};
export default mapReduce({
  name: "keys",
  input: text.lines(),
  map(line, emit) {
    for (let i = 0; i < 400; i++) emit(line + "-" + i + "-some-longer-key", i);
  },
  combine: (a, b) => a + b,
});
`;

async function runWith(memory: string, args: readonly string[]) {
  const cluster = await startCluster(1, ["--memory", memory]);
  const out = newFolder("out-", folder);
  const watch = watchTree(cluster.pid);
  try {
    const target = ["--data", cluster.dataDir, "-o", out];
    await run(process.execPath, [cli, "run", ...args, ...target], { timeout: testMaxMs });
    const hash = createHash("sha256");
    for (const name of readdirSync(out).sort()) hash.update(readFileSync(join(out, name)));
    return { hash: hash.digest("hex"), peakBytes: watch.stop() };
  } finally {
    watch.stop();
    await cluster.stop();
  }
}

test("many keys: 64M, 128M and 1G give equal bytes, within the limit", async (t) => {
  if (ownBytesOf(process.pid) === 0) return t.skip("needs /proc of Linux to measure memory");
  const job = join(folder, "keys.ts");
  writeFileSync(job, keysJob);
  const input = join(folder, "lines.txt");
  writeFileSync(input, Array.from({ length: 1_500 }, (_, i) => `${i}\n`).join(""));
  const hashes = new Set<string>();
  for (const [memory, mib] of [
    ["64M", 64],
    ["128M", 128],
    ["1G", 1024],
  ] as const) {
    const { hash, peakBytes } = await runWith(memory, [job, input]);
    hashes.add(hash);
    const maxBytes = mib * mebibyte + processes * engineBytes;
    assert.ok(peakBytes < maxBytes, `${memory}: ${Math.round(peakBytes / mebibyte)} MiB`);
  }
  assert.equal(hashes.size, 1);
});

test("run --local --memory: task processes stay within it, and the bytes are equal", async (t) => {
  if (ownBytesOf(process.pid) === 0) return t.skip("needs /proc of Linux to measure memory");
  const job = join(folder, "local-keys.ts");
  writeFileSync(job, keysJob);
  const input = join(folder, "local-lines.txt");
  writeFileSync(input, Array.from({ length: 1_500 }, (_, i) => `${i}\n`).join(""));
  const peaks: number[] = [];
  const outputs: Buffer[] = [];
  for (const memory of ["64M", "1G"]) {
    const merged = join(folder, `${memory}.txt`);
    const options = ["--local", "--workers", "1", "--memory", memory, "--merge", merged];
    const ran = run(process.execPath, [cli, "run", job, input, ...options], { timeout: testMaxMs });
    const watch = watchTree(ran.child.pid!);
    await ran.finally(() => peaks.push(watch.stop()));
    outputs.push(readFileSync(merged));
  }
  assert.ok(outputs[0]!.equals(outputs[1]!));
  // One for the slot and a spare; coordinator and worker are the command itself.
  const mostBytes = 64 * mebibyte + 2 * engineBytes;
  const [small, large] = peaks.map((bytes) => `${Math.round(bytes / mebibyte)} MiB`);
  assert.ok(peaks[0]! < mostBytes, `64M: ${small}`);
  assert.ok(peaks[0]! < peaks[1]!, `64M: ${small}, 1G: ${large}`);
});

test("run --memory that says nothing sensible is refused before anything runs", async () => {
  const local = ["--local", "--workers", "2"];
  for (const [args, text] of [
    [[...local, "--memory", "127M"], /--memory is at least 128M for 2 tasks at once/],
    [[...local, "--memory", "lots"], /--memory lots is not a size/],
    [[...local, "--memory", "-1"], /--memory -1 is not a size/],
    [["--memory", "1G"], /--memory is for --local; see `tequio up --memory`/],
    [["--sequential", "--memory", "1G"], /--memory is for --local/],
  ] as const) {
    const failed = run(process.execPath, [cli, "run", "none.ts", ...args]);
    await assert.rejects(failed, text, args.join(" "));
  }
});

test("less memory than a task needs is refused", async () => {
  for (const args of [
    ["up", "--memory", "63M"],
    ["join", "http://127.0.0.1:1", "--token", "t", "--slots", "2", "--memory", "127M"],
  ]) {
    const failed = run(process.execPath, [cli, ...args, "--data", join(folder, "none")]);
    await assert.rejects(failed, /--memory is at least (64M for a task|128M for 2 tasks at once)/);
  }
});
