/** Existing workers at the coordinator, in the bytes that they know: who is managed, and for how
 *  long. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { AttemptRef } from "../../../core/ids.ts";
import { TestCluster, testJob, testStage } from "../../../core/testing/fake-cluster.ts";
import type { Link } from "../../../link/link.ts";
import { dialWebSocket } from "../../../link/websocket.ts";
import { packTaskId } from "../../../wire/manager/taskid.ts";
import type { Principal } from "../../access/auth.ts";
import { type Opened, opened } from "../../testing/opened.ts";
import { workerPath } from "../http/upgrade.ts";
import { askAbout } from "./asking.ts";
import { defaultLinkLimits, WorkerLink } from "./link.ts";
import { defaultLiveness } from "./liveness.ts";

/** An existing worker, in bytes: what it is sent, and how it sends. */
async function existing(t: TestContext, cluster: Opened) {
  const link = await dialWebSocket(new URL(workerPath, cluster.url).href, {
    headers: {
      authorization: `Bearer ${await cluster.coordinator.joinToken({ ttlMs: 0, usesMax: 0 })}`,
    },
  });
  t.after(() => link.close());
  const closed = new Promise<string>((resolve) => link.onClose(resolve));
  const frames: string[] = [];
  let wake = () => {};
  link.onFrame((frame) => {
    frames.push(Buffer.from(frame).toString("hex"));
    wake();
  });
  const next = async (): Promise<string> => {
    while (frames.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    return frames.shift()!;
  };
  const say = (hex: string) => link.send(Buffer.from(hex, "hex"));
  assert.equal(await next(), "020a00", "NodeTypeRequest { MANAGER }");
  return { closed, next, say };
}

const isWorker = "0412020801";
const asksForManager = "102a0e080a100a1804208008280a320100";
const accepted = "0432020801";

test("only who says that it is a worker is managed", async (t) => {
  const cluster = await opened(t);
  const unknown = await existing(t, cluster);
  unknown.say(asksForManager);
  assert.equal(await unknown.next(), "023200", "its type is not known");
  unknown.say(isWorker);
  unknown.say(asksForManager);
  assert.equal(await unknown.next(), accepted);
  const manager = await existing(t, cluster);
  manager.say("021200");
  manager.say(isWorker);
  manager.say(asksForManager);
  assert.equal(await manager.next(), "023200", "its first answer was MANAGER, and that one counts");
  const list = (await (await cluster.call("GET", "/v1/workers")).json()) as { workers: unknown[] };
  assert.equal(list.workers.length, 1);
});

test("T2.5: after its ManagerBye a worker has as long as on a new link to ask again", () => {
  const { link, tick } = linkAt0();
  link.phase = "joined";
  tick(100_000);
  link.reopen();
  tick(129_000);
  assert.equal(link.phase, "open");
  tick(130_001);
  assert.equal(link.phase, "closed");
});

test("an existing worker that answers no ManagerPing is pinged again, for 60 s", () => {
  const { link, sent, tick } = linkAt0();
  link.phase = "joined";
  for (let atMs = 100; atMs < 60_000; atMs += 100) tick(atMs);
  assert.equal(link.phase, "joined");
  assert.equal(sent.filter((hex) => hex === "024200").length, 5);
  assert.equal(link.patience(defaultLiveness).leaseMs, 60_000);
});

test("a request that an existing worker leaves unanswered is given up, not the link", () => {
  const { link, say, sent, tick } = linkAt0();
  link.phase = "joined";
  tick(15_100);
  // It is back from a break: its ping is a sign of life, the one it was sent stays unanswered.
  say("024200");
  link.order({ kind: "tasksPing", taskIds: [new Uint8Array(34)] });
  for (let atMs = 15_200; atMs < 60_000; atMs += 100) tick(atMs);
  assert.equal(link.phase, "joined");
  assert.ok(sent.filter((hex) => hex === "024200").length > 1);
});

test("an existing worker is asked about what it has not begun after 30 s", () => {
  const { asked, link, sent, tick } = linkAt0();
  link.phase = "joined";
  link.worker = "w-1";
  const cluster = new TestCluster();
  cluster.join({ isBase: true, kinds: [0], slots: 2 });
  cluster.submit(testJob([testStage({ taskCount: 2 })], { moduleHash: "0".repeat(64) }));
  const [begun, waiting] = cluster.running.get("w-1") as [AttemptRef, AttemptRef];
  cluster.tell({ kind: "attempts-started", worker: "w-1", attempts: [begun] });
  const keys = { tag: new Uint8Array(8) };
  const ask = (afterMs: number) => {
    const loop = { state: cluster.state, nowMs: () => cluster.atMs + afterMs };
    askAbout(link, { keys, loop });
  };
  ask(29_999);
  assert.ok(!sent.some((hex) => hex.startsWith("265a")));
  ask(30_000);
  const id = Buffer.from(packTaskId(keys.tag, waiting)).toString("hex");
  assert.equal(sent.at(-1), `265a240a22${id}`);
  tick(10_000);
  assert.equal(asked(), 1);
});

/** A link of an existing worker that was opened at 0 ms and has answered what it was asked. */
function linkAt0() {
  const sent: string[] = [];
  let nowMs = 0;
  let say = (_frame: Uint8Array) => {};
  const carrier: Link = {
    remote: "test",
    send: (frame) => void sent.push(Buffer.from(frame).toString("hex")),
    close: () => {},
    onFrame: (take) => {
      say = take;
    },
    onClose: () => {},
    pendingBytes: () => 0,
  };
  let asked = 0;
  const mayAsk = () => void asked++;
  const owner = { heard() {}, requested() {}, told() {}, mayAsk, closed() {}, measured() {} };
  const principal = { kind: "join", role: "worker", owner: "", token: "" } as unknown as Principal;
  const limits = defaultLinkLimits;
  const link = new WorkerLink(carrier, principal, { owner, limits, nowMs: () => nowMs });
  const sayHex = (hex: string) => say(Buffer.from(hex, "hex"));
  sayHex(isWorker);
  const tick = (atMs: number) => {
    nowMs = atMs;
    link.tick(atMs, link.patience(defaultLiveness).quietMs);
  };
  return { asked: () => asked, link, say: sayHex, sent, tick };
}

test("an existing worker is sent a ManagerBye when the coordinator stops", async (t) => {
  const cluster = await opened(t);
  const worker = await existing(t, cluster);
  worker.say(isWorker);
  worker.say(asksForManager);
  assert.equal(await worker.next(), accepted);
  void cluster.coordinator.close();
  assert.equal(await worker.next(), "023a00");
  await worker.closed;
});
