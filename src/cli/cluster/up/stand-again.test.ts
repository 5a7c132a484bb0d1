/** Which ends of a coordinator let it stand by again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ClusterError } from "../../../core/error.ts";
import { ConnectionLost } from "../../../engine/connection-lost.ts";
import { standAgain } from "./stand-again.ts";

const replaced = new ClusterError("fenced", "now another one leads");
const away = new ClusterError("unavailable", "the engine cannot be reached", {
  cause: new ConnectionLost("no answer"),
});
/** A start that another one overtook. */
const overtaken = new ClusterError("unavailable", "retry", { cause: replaced });
const missing = new ClusterError("unavailable", "the package pg is not installed");
const waited = new ClusterError("storage-failed", "the engine was away too long", {
  cause: new ConnectionLost("no answer"),
});
const damaged = new ClusterError("storage-failed", "record 3 is damaged");

type Ends = ReadonlyArray<{ readonly error: Error | null; readonly begins: boolean }>;

/** Runs through the ends one after the other; what it has done. */
async function runs(ends: Ends, { isStandby = true, pauses = Infinity } = {}) {
  let runs = 0;
  const printed: string[] = [];
  let paused = 0;
  await standAgain({
    isStandby,
    once: async (hasBegun) => {
      const { begins, error } = ends[runs]!;
      runs += 1;
      if (begins) hasBegun();
      if (error !== null) throw error;
    },
    pause: async () => {
      paused += 1;
      return paused <= pauses;
    },
    print: (text) => void printed.push(text),
  });
  return { runs, printed };
}

test("a coordinator that was replaced tries again while its engine is away", async () => {
  for (const first of [replaced, overtaken, waited, away]) {
    const found = await runs([
      { error: first, begins: true },
      { error: away, begins: false },
      { error: away, begins: false },
      { error: replaced, begins: true },
      { error: null, begins: true },
    ]);
    assert.equal(found.runs, 5);
    assert.equal(found.printed.length, first === away ? 2 : 3, "each state once");
  }
});

test("engine and coordinators may start in any order", async () => {
  const ends = [away, away, new ConnectionLost("cut"), null];
  const found = await runs(ends.map((error) => ({ error, begins: error === null })));
  assert.equal(found.runs, 4);
  assert.equal(found.printed.length, 2);
});

test("what another try does not change, and one that is no standby, end the process", async () => {
  await assert.rejects(runs([{ error: missing, begins: false }]), missing);
  await assert.rejects(runs([{ error: away, begins: true }], { isStandby: false }), away);
  await assert.rejects(runs([{ error: replaced, begins: false }]), replaced);
  await assert.rejects(runs([{ error: replaced, begins: true }], { isStandby: false }), replaced);
  await assert.rejects(runs([{ error: damaged, begins: true }]), damaged);
});

test("a coordinator that waits for its engine is ended by a signal", async () => {
  const ends = [
    { error: replaced, begins: true },
    { error: away, begins: false },
  ];
  assert.equal((await runs(ends, { pauses: 1 })).runs, 2);
});
