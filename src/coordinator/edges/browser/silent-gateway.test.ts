/** Gateways whose connection never breaks: the tracker's edge with a clock that the test moves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyState } from "../../../core/coordinator.ts";
import { ClusterError } from "../../../core/error.ts";
import { TestCluster } from "../../../core/testing/fake-cluster.ts";
import type { NewEvent } from "../../loop/journal.ts";
import type { GatewayLink, TrackerOptions } from "./edge.ts";
import { TrackerEdge } from "./edge.ts";

/** Only the parts of a coordinator that depend on time; `post` receives what the edge would log. */
function edgeInTime(state = emptyState(), post = async (_event: NewEvent) => {}) {
  let atMs = 0;
  let fire = () => {};
  const after = (_ms: number, then: () => void) => {
    fire = then;
    return () => {};
  };
  const timers = { after };
  const loop = { state, steadyMs: () => atMs, post };
  const keys = { tag: new Uint8Array(16) };
  const edge = new TrackerEdge({ timers, loop, keys } as unknown as TrackerOptions);
  const pass = (ms: number) => {
    for (const untilMs = atMs + ms; atMs < untilMs; ) {
      atMs += 1_000;
      fire();
    }
  };
  return { edge, pass };
}

function scripted() {
  const sent: string[] = [];
  let said = (_text: string) => {};
  let closed = "";
  const link: GatewayLink = {
    remote: "gateway",
    send: (text) => void sent.push(text),
    close: (_code, reason) => {
      closed = reason;
    },
    receive: (receiver) => {
      said = receiver.said;
    },
  };
  const pong = '{"status":1,"message":"","action":"pong","data":{}}';
  return { link, sent, pong: () => said(pong), closed: () => closed };
}

test("a gateway whose machine lost its power is pinged, and given up when it is silent", () => {
  const { edge, pass } = edgeInTime();
  const gateway = scripted();
  edge.accept(gateway.link);
  pass(59_000);
  assert.equal(gateway.sent.length, 1, "the tracker has only introduced itself");
  pass(2_000);
  assert.match(gateway.sent[1] ?? "", /"ping"/);
  assert.equal(gateway.closed(), "");
  pass(7_000);
  assert.match(gateway.closed(), /^silent for 6\d s$/);
});

test("a gateway that answers stays, however long there are no other messages", () => {
  const { edge, pass } = edgeInTime();
  const gateway = scripted();
  edge.accept(gateway.link);
  for (let round = 0; round < 5; round++) {
    pass(61_000);
    gateway.pong();
  }
  assert.equal(gateway.closed(), "");
});

test("the loss of a tab that a full disk refuses is posted again until it is written", async () => {
  const cluster = new TestCluster();
  const worker = cluster.join({ tab: true });
  let isFull = true;
  const lost: string[] = [];
  const { pass } = edgeInTime(cluster.state, async (event) => {
    if (isFull) throw new ClusterError("storage-full", "no space");
    if (event.kind === "worker-lost") lost.push(event.worker);
  });
  const later = async (ms: number) => {
    pass(ms);
    await new Promise((resolve) => setImmediate(resolve));
  };
  // Its time to come back has passed, and three attempts to log that have failed.
  await later(121_000);
  await later(2_000);
  await later(2_000);
  assert.deepEqual(lost, []);
  isFull = false;
  await later(2_000);
  assert.deepEqual(lost, [worker]);
});
