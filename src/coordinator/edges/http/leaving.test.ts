/** What the coordinator takes over of a worker that leaves, as it answers that worker. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { AttemptRef } from "../../../core/ids.ts";
import { mapReduceSpec, submission } from "../../../core/testing/fake-cluster.ts";
import { encodeManifest } from "../../../wire/block/manifest.ts";
import { type Opened, opened, sha256 } from "../../testing/opened.ts";
import { doneStatus, ScriptedWorker } from "../../testing/scripted-worker.ts";

const run = Buffer.alloc(100, "a");

function manifestOf(bytes: Uint8Array): Uint8Array {
  return encodeManifest([{ sizeBytes: bytes.length, records: 1, sha256: sha256(bytes) }]);
}

const manifest = manifestOf(run);

/** A worker that has done both map tasks, with the calls that it makes as it leaves. */
async function mapped(t: TestContext) {
  const cluster = await opened(t);
  const { token } = await cluster.token("worker", "w");
  const worker = await ScriptedWorker.dial(t, cluster.url, token);
  const { credential, workerId } = await worker.join();
  const spec = mapReduceSpec(2, 1);
  await cluster.coordinator.post(submission(spec) as never);
  const tasks = await worker.assigned();
  const output = { root: sha256(manifest), sizeBytes: 100, records: 1 };
  await worker.report(tasks.map((one) => doneStatus(one, { output })));
  const refs = tasks.map(({ ref }) => ref);
  const put = async (ref: AttemptRef, what: string, body: Uint8Array, by = credential) => {
    const path = `/shuffle/${ref.job}/${ref.stage}/${ref.task}/${ref.attempt}/${what}`;
    return (await cluster.call("PUT", path, { token: by, body })).status;
  };
  const needed = () => neededBy(cluster, credential);
  return { cluster, credential, needed, put, refs, token, worker, workerId };
}

async function neededBy(cluster: Opened, token: string): Promise<number[]> {
  const answer = await cluster.call("GET", "/shuffle/leaving", { token });
  const { outputs } = (await answer.json()) as { outputs: readonly AttemptRef[] };
  return outputs.map(({ task }) => task);
}

test("N14: outputs are taken over one by one, verified, and outlive their worker", async (t) => {
  const { cluster, needed, put, refs, token, worker } = await mapped(t);
  assert.deepEqual(await needed(), [0, 1]);
  const [first, second] = refs as [AttemptRef, AttemptRef];
  const other = Buffer.alloc(100, "b");
  assert.equal(await put(first, "manifest", manifestOf(other)), 400, "not the committed one");
  assert.equal(await put(first, "run", other), 400, "no manifest came before");
  assert.equal(await put(first, "manifest", manifest), 200);
  assert.equal(await put(first, "run", other), 400, "damaged on the worker's disk");
  assert.deepEqual(await needed(), [0, 1]);
  for (const [what, bytes] of [
    ["manifest", manifest],
    ["run", run],
  ] as const) {
    assert.equal(await put(second, what, bytes), 200);
  }
  assert.deepEqual(await needed(), [0]);
  assert.equal(await put(second, "manifest", manifest), 404, "it is not needed from there");
  await worker.ask({ kind: "managerBye" });
  const next = await ScriptedWorker.dial(t, cluster.url, token);
  await next.join({ session: "process 2" });
  const again = (await next.assigned()).map(({ ref }) => [ref.stage, ref.task, ref.attempt]);
  assert.deepEqual(again, [[0, first.task, 2]], "the other map task counts still");
});

test("a worker hands over what lies there alone, and nothing of another one", async (t) => {
  const { cluster, put, refs, token } = await mapped(t);
  const other = await ScriptedWorker.dial(t, cluster.url, token);
  const { credential } = await other.join({ session: "process 2" });
  assert.deepEqual(await neededBy(cluster, credential), []);
  assert.equal(await put(refs[0] as AttemptRef, "manifest", manifest, credential), 404);
  assert.deepEqual(await neededBy(cluster, token), [], "a token is no worker");
});
