/** What has come of a job is taken in order, or as it came. */
import assert from "node:assert/strict";
import test from "node:test";
import { Window } from "./window.ts";

test("in order, what is missing holds back what comes after it", () => {
  const window = new Window(10, 3);
  window.put(1, [["b"], ["c"]]);
  assert.equal(window.take(true), null);
  window.put(0, [["a"]]);
  const taken = [window.take(true), window.take(true), window.take(true)];
  assert.deepEqual(
    taken.map((call) => [call?.index, call?.outcome]),
    [
      [10, ["a"]],
      [11, ["b"]],
      [12, ["c"]],
    ],
  );
  assert.ok(window.isTaken);
});

test("without order, what has come is taken at once", () => {
  const window = new Window(0, 3);
  window.put(2, [["c"]]);
  assert.deepEqual(window.take(false), { index: 2, outcome: ["c"] });
  assert.equal(window.take(false), null);
  assert.ok(!window.isTaken);
});
