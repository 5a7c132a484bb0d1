/** Lanes that several transfers share: a bound for all, and turns. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Lanes } from "./lanes.ts";

/** One that wants so many ranges, and takes whatever it gets. */
function transfer(name: string, lanes: Lanes, wanted: number, begun: string[]) {
  const fill = (): void => {
    while (wanted > 0 && lanes.take(fill)) {
      wanted--;
      begun.push(name);
    }
  };
  return fill;
}

test("transfers share the lanes of their line in turns", () => {
  const lanes = new Lanes(0);
  const begun: string[] = [];
  const fills = new Map(["a", "b", "c"].map((name) => [name, transfer(name, lanes, 6, begun)]));
  for (const fill of fills.values()) fill();
  assert.deepEqual(begun, ["a", "a", "a", "a"]);
  // Too late to change how many there are.
  const late = { atMs: 1, sizeBytes: 1, tookMs: 10_000 };
  for (let ended = 0; ended < begun.length; ended++) {
    lanes.done(late);
    fills.get(begun[ended]!)?.();
    assert.ok(lanes.running <= 4);
  }
  assert.equal(begun.join(""), "aaaaabcabcbcbcbcbc");
  assert.equal(lanes.running, 0);
});

test("one that has left gets no lane, and one that needs none leaves it to the next", () => {
  const lanes = new Lanes(0);
  while (lanes.take(() => {})) {}
  const called: string[] = [];
  const [gone, idle] = [() => called.push("gone"), () => called.push("idle")];
  assert.ok(!lanes.take(gone) && !lanes.take(idle));
  const next = () => {
    called.push("next");
    lanes.take(next);
  };
  lanes.take(next);
  lanes.leave(gone);
  lanes.done(null);
  assert.deepEqual(called, ["idle", "next"]);
});
