/** Many workers at once: a thousand of them and a long queue at one coordinator. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { submission, testJob, testStage } from "../../../core/testing/fake-cluster.ts";
import { memoryLinkPair } from "../../../link/memory.ts";
import { sourceKey, ticketText } from "../../../peer/shuffle/ticket.ts";
import { openMemoryLog } from "../../../store/log/memory.ts";
import { Auth } from "../../access/auth.ts";
import { Loop, type OuterEffect } from "../../loop/loop.ts";
import { realTimers } from "../../loop/timers.ts";
import { ScriptedWorker } from "../../testing/scripted-worker.ts";
import { WorkerEdge } from "./edge.ts";

const workerCount = 1_000;
const taskCount = 100_000;
/** From a worker's dial to its first task, in processor time of this process, so that other load on
 *  the machine counts little: 1,048 ms were seen at a load of 38 on two processors. */
const leaseMaxMs = 3_000;
const heapMaxBytes = 256 * 2 ** 20;

function cpuMs(): number {
  const { system, user } = process.cpuUsage();
  return (system + user) / 1_000;
}

test("C12: a thousand workers come back at once to 100,000 tasks, and soon work", async (t) => {
  let perform = (_effect: OuterEffect) => {};
  const loop = await Loop.start({
    log: openMemoryLog(),
    timers: realTimers,
    perform: (effect) => perform(effect),
    onFatal: (error) => assert.fail(error),
  });
  const auth = new Auth(loop);
  const keys = { tag: new Uint8Array(8), tickets: { sourceKey, ticketText } };
  const edge = new WorkerEdge({
    loop,
    auth,
    timers: realTimers,
    keys: { ...keys, exchangeSecret: () => "" },
    version: "test",
    notes: { logged() {}, progressed() {}, ended() {} },
  });
  t.after(async () => {
    edge.stop();
    await loop.stop();
  });
  perform = (effect) => {
    if ("worker" in effect && effect.kind !== "expel") edge.perform(effect);
  };
  const dial = (shown: string) => {
    const [ours, theirs] = memoryLinkPair();
    edge.accept(ours, auth.linkPrincipal(shown));
    return new ScriptedWorker(theirs);
  };
  const terms = { role: "worker", owner: "up", ttlMs: 0, usesMax: 0 } as const;
  const { token } = await auth.issue(terms);
  const known = await Promise.all(
    Array.from({ length: workerCount }, async () => {
      const worker = dial(token);
      const { credential, workerId } = await worker.join();
      worker.link.close();
      return { credential, workerId };
    }),
  );
  await loop.post(submission(testJob([testStage({ taskCount })])));
  const heapBefore = process.memoryUsage().heapUsed;
  const waits = await Promise.all(
    known.map(async (identity) => {
      const cameMs = cpuMs();
      const worker = dial(identity.credential);
      await worker.join(identity);
      await worker.assigned();
      return cpuMs() - cameMs;
    }),
  );
  const grownBytes = process.memoryUsage().heapUsed - heapBefore;
  const p99Ms = waits.toSorted((a, b) => a - b)[Math.floor(workerCount * 0.99)]!;
  t.diagnostic(`p99 ${Math.round(p99Ms)} ms, ${Math.round(grownBytes / 2 ** 20)} MiB more`);
  assert.equal([...loop.state.workers.values()].filter(({ live }) => live).length, workerCount);
  assert.ok(p99Ms < leaseMaxMs, `p99 is ${Math.round(p99Ms)} ms`);
  assert.ok(grownBytes < heapMaxBytes, `${grownBytes} bytes more`);
});
