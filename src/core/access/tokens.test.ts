/** Tokens that can do nothing any more are forgotten, by event, so that a replay agrees. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { TestCluster } from "../testing/fake-cluster.ts";
import { tokenKeptMs } from "./tokens.ts";

const minuteMs = 60_000;

type Terms = { ttlMs?: number; usesMax?: number; by?: string };

function issue(cluster: TestCluster, id: string, over: Terms = {}) {
  const { ttlMs = 0, usesMax = 0, ...by } = over;
  const expiresAtMs = ttlMs === 0 ? 0 : cluster.atMs + ttlMs;
  const terms = { role: "worker", owner: "up", hash: id, expiresAtMs, usesMax, ...by } as const;
  return cluster.tell({ kind: "token-issued", id, ...terms });
}

const ids = (cluster: TestCluster) => [...cluster.state.tokens.keys()];

test("an expired, a used up and a revoked token are kept for a day and then forgotten", () => {
  const cluster = new TestCluster();
  issue(cluster, "expires", { ttlMs: minuteMs });
  issue(cluster, "once", { usesMax: 1 });
  issue(cluster, "revoked");
  issue(cluster, "good");
  cluster.tell({ kind: "token-used", id: "once" });
  cluster.tell({ kind: "token-revoked", id: "revoked" });
  cluster.wait(tokenKeptMs - 1);
  cluster.restartFromSnapshot();
  assert.deepEqual(ids(cluster), ["expires", "once", "revoked", "good"]);
  cluster.wait(1);
  assert.deepEqual(ids(cluster), ["expires", "good"]);
  cluster.wait(minuteMs);
  assert.deepEqual(ids(cluster), ["good"]);
});

test("the credential of a worker is forgotten with the worker", () => {
  const cluster = new TestCluster();
  for (let n = 1; n <= 1_001; n++) {
    const worker = cluster.join();
    issue(cluster, worker);
    cluster.lose(worker, "bye");
  }
  assert.equal(cluster.state.tokens.has("w-1"), false);
  assert.equal(cluster.state.tokens.size, cluster.state.workers.size);
});

test("I14: a join token goes alone, or with all whom it let in, also when it is forgotten", () => {
  const cluster = new TestCluster();
  for (const id of ["lets in", "other"]) issue(cluster, id);
  for (const [id, by] of [
    ["w-1", "lets in"],
    ["w-2", "lets in"],
    ["w-3", "other"],
  ] as const) {
    issue(cluster, id, { by });
  }
  const revoked = () =>
    [...cluster.state.tokens.values()].flatMap(({ id, revoked }) => (revoked ? [id] : []));
  const [alone] = cluster.tell({ kind: "token-revoked", id: "lets in" });
  assert.deepEqual(alone, { kind: "reply", value: { admitted: ["w-1", "w-2"] } });
  assert.deepEqual(revoked(), ["lets in"]);
  cluster.wait(tokenKeptMs);
  cluster.restartFromSnapshot();
  assert.equal(cluster.state.tokens.has("lets in"), false);
  assert.equal(cluster.tell({ kind: "token-revoked", id: "lets in" })[0]?.kind, "refuse");
  cluster.tell({ kind: "token-revoked", id: "lets in", members: true });
  assert.deepEqual(revoked(), ["w-1", "w-2"]);
  cluster.tell({ kind: "token-revoked", id: "other", members: true });
  assert.deepEqual(revoked(), ["other", "w-1", "w-2", "w-3"]);
  // It joined with the token, and had no credential yet.
  assert.equal(issue(cluster, "w-4", { by: "other" })[0]?.kind, "refuse");
  assert.equal(cluster.state.tokens.has("w-4"), false);
});

test("I14: a token that is revoked or expired during a login is rejected", () => {
  const cluster = new TestCluster();
  issue(cluster, "expires", { ttlMs: minuteMs });
  issue(cluster, "revoked");
  cluster.tell({ kind: "token-used", id: "revoked" });
  cluster.tell({ kind: "token-revoked", id: "revoked" });
  cluster.wait(minuteMs);
  for (const id of ["expires", "revoked"]) {
    const effects = cluster.tell({ kind: "token-used", id });
    assert.deepEqual(
      effects.map((effect) => (effect.kind === "refuse" ? effect.error.code : effect.kind)),
      ["unauthenticated"],
    );
  }
  assert.equal(cluster.state.tokens.get("revoked")?.uses, 1);
});
