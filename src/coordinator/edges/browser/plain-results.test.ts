/** The memory that basic browsers make the coordinator use: bounded, and released. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PlainResults, taskOutput } from "./plain-results.ts";

async function* bytes(count: number) {
  for (let at = 0; at < count; at += 100) yield Buffer.alloc(Math.min(100, count - at), "x");
}

const result = (ticket: string, over: { part?: number; isWanted?: () => boolean } = {}) => {
  return { ticket, part: 0, isWanted: () => true, ...over };
};

test("I20: all results together have a bound, and release what they used", async () => {
  const results = new PlainResults({} as never, 1_000);
  await results.put(result("a"), bytes(600));
  const unavailable = { code: "unavailable" };
  await assert.rejects(results.put(result("b"), bytes(600)), unavailable);
  await assert.rejects(results.lines(bytes(600)).next(), unavailable);
  // Another text for the same part replaces the first, once it is complete.
  await results.put(result("a"), bytes(300));
  await results.put(result("b"), bytes(600));
  results.forget("a");
  results.forget("b");
  await results.put(result("c"), bytes(1_000));
});

test("I20: an upload that ends early, or whose task does, leaves nothing", async () => {
  const results = new PlainResults({} as never, 1_000);
  const late = results.put(result("a", { isWanted: () => false }), bytes(900));
  await assert.rejects(late, { code: "not-found" });
  async function* broken() {
    yield* bytes(900);
    throw new Error("gone");
  }
  await assert.rejects(results.put(result("a"), broken()), /gone/);
  await results.put(result("b"), bytes(1_000));
});

test("the result of a task counts as the same of whatever worker", () => {
  // As `run-items.ts` has it.
  for (const text of ["año", '"año"']) {
    assert.deepEqual(taskOutput(text), { root: "", sizeBytes: 6, records: 1, value: '"año"' });
  }
});
