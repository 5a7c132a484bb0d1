/** An independent peer in Python, written from the documents of the filesystem protocol, and
 *  pickles of Python's own pickle in both directions. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { filesystemOpened } from "../../src/coordinator/edges/filesystem/testing/client.ts";
import { waitMaxMs } from "../../src/store/testing/patience.ts";
import { readPickle } from "../../src/wire/filesystem/pickle/reader.ts";
import { writePickle } from "../../src/wire/filesystem/pickle/writer.ts";
import type { PyValue } from "../../src/wire/filesystem/value.ts";
import { pythonWith } from "../python/find.ts";

const run = promisify(execFile);
const script = (name: string) => join(import.meta.dirname, name);
const limits = { timeout: waitMaxMs, maxBuffer: 16 * 1024 * 1024 };

test("an independent peer in Python stores, reads, appends and finds", async (t: TestContext) => {
  const python = pythonWith("zmq");
  if (python === null) return t.skip("no pyzmq here: only our own client was tried");
  const { client, discoveryPort } = await filesystemOpened(t);
  const args = [script("peer.py"), String(client.port), String(discoveryPort)];
  const { stdout } = await run(python, args, limits);
  assert.match(stdout, /^OK zmq/);
  t.diagnostic(stdout.trim());
});

test("pickles of all protocols are read, and Python reads written ones", async (t: TestContext) => {
  const python = pythonWith("pickletools");
  if (python === null) return t.skip("python3 is not installed");
  const { stdout } = await run(python, [script("pickles.py")], limits);
  const made = JSON.parse(stdout) as ReadonlyArray<readonly [number, string]>;
  const bytesOf = (hex: string) => Buffer.from(hex, "hex");
  const read = made
    .filter(([protocol]) => protocol >= 0)
    .map(([, hex]) => readPickle(bytesOf(hex)));
  assert.equal(read.length, 6);
  const withoutBytes = (value: PyValue) =>
    new Map([...(value as Map<PyValue, PyValue>)].slice(0, 9));
  for (const value of read) assert.deepEqual(withoutBytes(value), withoutBytes(read[5] ?? null));
  for (const [, hex] of made.filter(([protocol]) => protocol < 0)) {
    assert.throws(() => readPickle(bytesOf(hex)), /would build an object/);
  }
  const ours = Buffer.from(writePickle(read[5] ?? null)).toString("hex");
  const { stdout: said } = await run(python, [script("pickles.py"), ours], limits);
  assert.equal(said, "read\n");
});
