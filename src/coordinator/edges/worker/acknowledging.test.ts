/** When a worker gets its Ack: the edge over a link in memory, with a disk that fills up and a
 *  manual clock. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ClusterError } from "../../../core/error.ts";
import { submission, testJob, testStage } from "../../../core/testing/fake-cluster.ts";
import { memoryLinkPair } from "../../../link/memory.ts";
import { sourceKey, ticketText } from "../../../peer/shuffle/ticket.ts";
import { openMemoryLog } from "../../../store/log/memory.ts";
import { Auth } from "../../access/auth.ts";
import { Loop, type OuterEffect } from "../../loop/loop.ts";
import { ManualTimers } from "../../testing/manual-timers.ts";
import { doneStatus, ScriptedWorker } from "../../testing/scripted-worker.ts";
import { WorkerEdge } from "./edge.ts";

/** One worker that has joined; `disk.full` refuses every append while it is true. */
async function cluster() {
  const timers = new ManualTimers();
  const disk = { full: false };
  const log = openMemoryLog();
  let perform = (_effect: OuterEffect) => {};
  const loop = await Loop.start({
    log: {
      ...log,
      append: async (records, after) => {
        if (disk.full) throw new ClusterError("storage-full", "no space");
        return log.append(records, after);
      },
    },
    timers,
    perform: (effect) => perform(effect),
    onFatal: (error) => assert.fail(error),
  });
  const auth = new Auth(loop);
  const edge = new WorkerEdge({
    loop,
    auth,
    timers,
    keys: {
      tag: new Uint8Array(8),
      tickets: { sourceKey, ticketText },
      exchangeSecret: () => "",
    },
    version: "test",
    notes: { logged() {}, progressed() {}, ended() {} },
  });
  perform = (effect) => {
    if ("worker" in effect && effect.kind !== "expel") edge.perform(effect);
  };
  const terms = { role: "worker", owner: "up", ttlMs: 0, usesMax: 0 } as const;
  const { token } = await auth.issue(terms);
  const dial = (shown: string) => {
    const [ours, theirs] = memoryLinkPair();
    edge.accept(ours, auth.linkPrincipal(shown));
    return new ScriptedWorker(theirs);
  };
  const worker = dial(token);
  const { credential, workerId } = await worker.join();
  return { timers, disk, loop, edge, worker, dial, identity: { credential, workerId } };
}

test("a report that the disk refused is not acknowledged until it is sent again", async () => {
  const { timers, disk, loop, worker } = await cluster();
  await loop.post(submission(testJob([testStage()])));
  const [task] = await worker.assigned();
  disk.full = true;
  let acknowledged = false;
  void worker.report([doneStatus(task!)]).then(() => {
    acknowledged = true;
  });
  await timers.settle();
  assert.equal(acknowledged, false);
  disk.full = false;
  assert.deepEqual(await worker.report([doneStatus(task!)]), { kind: "ack" });
});

test("a loss that the disk refused is declared when there is room", async () => {
  const { timers, disk, loop, worker } = await cluster();
  const worker1 = () => [...loop.state.workers.values()][0]!;
  disk.full = true;
  worker.link.close();
  await timers.settle();
  timers.pass(2_000);
  await timers.settle();
  assert.equal(worker1().live, true);
  disk.full = false;
  timers.pass(200);
  await timers.settle();
  assert.equal(worker1().live, false);
});

test("a silent worker is pinged, and stays when it answers", async () => {
  const { timers, worker } = await cluster();
  await worker.asked("nodeTypeRequest");
  for (let n = 0; n < 10; n++) {
    timers.pass(11_000);
    await worker.asked("managerPing");
    await timers.settle();
  }
  assert.deepEqual(await worker.ask({ kind: "managerPing" }), { kind: "managerPong" });
});

test("a worker that leaves a request unanswered loses its link, not its identity", async () => {
  const { timers, loop, worker } = await cluster();
  await loop.post(submission(testJob([testStage()])));
  await timers.settle();
  timers.pass(9_000);
  void worker.ask({ kind: "managerPing" });
  await timers.settle();
  timers.pass(1_500);
  assert.match(await worker.closed, /no answer to a request within 10000 ms/);
});

test("a pause of the coordinator's process costs no worker its lease", async () => {
  const { timers, loop, worker } = await cluster();
  await worker.asked("nodeTypeRequest");
  await loop.post(submission(testJob([testStage()])));
  const ping = () => worker.ask({ kind: "managerPing" });
  // The next tick comes late by ten minutes, and what the worker sent meanwhile is read after it.
  timers.freeze(600_000);
  await worker.assigned();
  assert.deepEqual(await ping(), { kind: "managerPong" });
  timers.pass(14_000);
  assert.deepEqual(await ping(), { kind: "managerPong" });
});

test("W6: the older link of a process does not replace its newer one", async () => {
  const { timers, worker, dial, identity } = await cluster();
  worker.link.close();
  const older = dial(identity.credential);
  timers.pass(10);
  const newer = dial(identity.credential);
  await newer.join(identity);
  const { refusal } = await older.join(identity);
  assert.match(refusal, /unavailable.*newer link/);
  assert.deepEqual(await newer.ask({ kind: "managerPing" }), { kind: "managerPong" });
});
