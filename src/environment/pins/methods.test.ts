/** Job code cannot replace the methods that it shares with the product's code. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { lockMethods } from "./methods.ts";

test("W9: methods shared with job code cannot be replaced, new ones can be added", () => {
  lockMethods();
  const prototype = Array.prototype as unknown as Record<string, unknown>;
  assert.throws(() => {
    prototype.push = () => 0;
  }, /TypeError: Cannot assign to read only property 'push'/);
  assert.throws(() => {
    JSON.stringify = () => "";
  }, TypeError);
  prototype.second = function second(this: unknown[]) {
    return this[1];
  };
  assert.equal(([1, 2] as unknown as { second(): number }).second(), 2);
  delete prototype.second;
  class Stack extends Array<number> {
    override push(): number {
      return -1;
    }
  }
  assert.equal(new Stack().push(), -1);
});
