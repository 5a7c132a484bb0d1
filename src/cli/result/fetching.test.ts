/** A result on its way: what is shown with `--json`, what a stopped command advises, and what a
 *  killed one has left. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { JobSummary } from "../../core/summary.ts";
import type { Client, TransferOptions } from "../../sdk/client.ts";
import type { Destination } from "../../sdk/collect.ts";
import { temporaryDir } from "../../store/testing/at-end.ts";
import { Interrupted } from "../faults.ts";
import { collectJob } from "./finish.ts";
import { withStaging } from "./staging.ts";

const job = {
  ...{ job: "j-7", name: "words", state: "done", failure: null, output: "ndjson", counters: {} },
  ...{ submittedAtMs: 1, endedAtMs: 2, stages: [{ kind: "map", outputRecords: 2 }] },
} as unknown as JobSummary;

/** A coordinator whose blob comes in two pieces; `between` is called between them. */
function clientOf(between: (transfer: TransferOptions) => unknown): Client {
  async function* blob(_: string, transfer: TransferOptions) {
    for (const text of ["1\n", "2\n"]) {
      transfer.onBytes?.(2);
      yield Buffer.from(text);
      if (text === "1\n") await between(transfer);
    }
  }
  const parts = [{ hash: "0".repeat(64), sizeBytes: 4 }];
  const client = { output: async () => ({ parts, badRecords: [] }), fetched: async () => {} };
  return { ...client, lendBlob: blob, getBlob: blob } as unknown as Client;
}

/** A folder that is the user's, and what is printed. */
function user(t: TestContext) {
  const folder = temporaryDir(t, "tequio-fetching-");
  const { XDG_STATE_HOME: was } = process.env;
  process.env.XDG_STATE_HOME = join(folder, "state");
  t.after(() => {
    if (was === undefined) delete process.env.XDG_STATE_HOME;
    else process.env.XDG_STATE_HOME = was;
  });
  const out = t.mock.method(console, "log", () => {});
  const err = t.mock.method(process.stderr, "write", () => true);
  const textOf = (calls: ReadonlyArray<{ readonly arguments: readonly unknown[] }>) =>
    calls.map(({ arguments: [text] }) => text).join("");
  mkdirSync(join(folder, "results"));
  return {
    folder: join(folder, "results"),
    out: () => textOf(out.mock.calls),
    err: () => textOf(err.mock.calls),
  };
}

test("with --json it is shown how far the result is, beside the JSON", async (t) => {
  const { err, folder, out } = user(t);
  const now = performance.now();
  const later = () => t.mock.method(performance, "now", () => now + 60_000);
  const output = join(folder, "words.ndjson");
  await collectJob(clientOf(later), job, { output, json: true });
  assert.match(err(), /^getting the result {2}(50|100) % of 4 B/);
  assert.deepEqual(JSON.parse(out()).files, [output]);
});

test("standard error has nothing but the JSON when standard output has the result", async (t) => {
  const { err } = user(t);
  const now = performance.now();
  const later = () => t.mock.method(performance, "now", () => now + 60_000);
  t.mock.method(process.stdout, "write", (...args: unknown[]) => {
    for (const one of args) if (typeof one === "function") one();
    return true;
  });
  const json = t.mock.method(console, "error", () => {});
  await collectJob(clientOf(later), job, { output: "-", json: true });
  assert.equal(err(), "");
  assert.equal(json.mock.callCount(), 1);
});

test("the advice of a command that is stopped leads to the same coordinator", async (t) => {
  const { err, folder } = user(t);
  const stop = ({ signal }: TransferOptions) => {
    process.emit("SIGTERM");
    signal?.throwIfAborted();
  };
  const options = { output: join(folder, "words.ndjson"), data: "/srv/my data" };
  await assert.rejects(collectJob(clientOf(stop), job, options), Interrupted);
  const advice = "j-7 keeps its result: `tequio get j-7 --data '/srv/my data'`";
  assert.equal(err(), `stopped, nothing was written; ${advice}\n`);
  assert.deepEqual(readdirSync(folder), []);
});

for (const kind of ["file", "folder"] as const) {
  test(`what a killed command has left of a ${kind} is gone after the next`, async (t) => {
    const { folder } = user(t);
    const path = join(folder, kind === "file" ? "words.ndjson" : "words");
    let left = "";
    await withStaging({ kind, path }, async (to: Destination) => {
      assert.ok(to.kind === kind);
      left = `${path}.${to.staging}.tmp`;
    });
    if (kind === "folder") mkdirSync(left);
    writeFileSync(kind === "file" ? left : join(left, "part-00007.ndjson"), "half");
    // Of another program, which may still write there.
    writeFileSync(`${path}.0123abcd.tmp`, "");
    let seen: boolean | null = null;
    const look = () => {
      seen = existsSync(left);
    };
    await collectJob(clientOf(look), job, { output: path });
    assert.equal(seen, true, "it is written under the same name");
    assert.deepEqual(
      readdirSync(folder),
      [path, `${path}.0123abcd.tmp`].map((one) => one.slice(folder.length + 1)),
    );
    if (kind === "folder") assert.deepEqual(readdirSync(path), ["part-00000.ndjson"]);
  });
}

test("two commands that write to one place do not share a name", async (t) => {
  const { folder } = user(t);
  const to: Destination = { kind: "file", path: join(folder, "words.ndjson") };
  await withStaging(to, async (first) => {
    assert.match(String("staging" in first && first.staging), /^[0-9a-f]{8}$/);
    await withStaging(to, async (second) => assert.deepEqual(second, to));
  });
});
