/** The round trip to a worker: times in, news out. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyState, step } from "../../../core/coordinator.ts";
import { testSpecs } from "../../../core/testing/fake-cluster.ts";
import { measuredEvent, RoundTrips } from "./round-trips.ts";

test("one request at a time is timed, and the least of the last few counts", () => {
  const trips = new RoundTrips();
  trips.sent(1, 0);
  trips.sent(2, 5);
  assert.equal(trips.answered(2, 50), null);
  assert.equal(trips.answered(1, 90), null);
  trips.sent(3, 100);
  assert.equal(trips.answered(3, 180), 80);
  for (let id = 4; id < 12; id++) {
    trips.sent(id, 0);
    trips.answered(id, 200);
  }
  trips.sent(12, 0);
  assert.equal(trips.answered(12, 300), 200);
});

test("only a round trip that is noticeable, and another one than before, is news", () => {
  const state = emptyState();
  const specs = testSpecs();
  step(state, { kind: "coordinator-started", atMs: 1, epoch: 1 });
  step(state, { kind: "worker-joined", atMs: 2, worker: null, owner: "o", specs, holding: [] });
  assert.equal(measuredEvent(state, "w-1", 3), null);
  const event = measuredEvent(state, "w-1", 80.2);
  assert.deepEqual(event, { kind: "worker-measured", worker: "w-1", rttMs: 80 });
  step(state, { kind: "worker-measured", atMs: 3, worker: "w-1", rttMs: 80 });
  assert.equal(measuredEvent(state, "w-1", 95), null);
  assert.notEqual(measuredEvent(state, "w-1", 130), null);
  assert.deepEqual(measuredEvent(state, "w-1", 1), { ...event, rttMs: 0 });
  assert.equal(measuredEvent(state, "w-2", 80), null);
  assert.equal(measuredEvent(state, null, 80), null);
});
