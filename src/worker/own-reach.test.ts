/** What a worker does of what the coordinator answers about its address. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { OwnReach } from "./own-reach.ts";

test("N11: outputs are left with the coordinator while it cannot connect", async () => {
  const answers: Array<Promise<boolean>> = [];
  const reach = new OwnReach(() => answers.shift() ?? Promise.reject(new Error("unknown call")));
  assert.equal(await reach.leavesOutputs(), false, "before it has joined");
  answers.push(Promise.resolve(false));
  reach.look();
  assert.equal(await reach.leavesOutputs(), true);
  // One that cannot say, such as an older one, changes nothing.
  reach.look();
  assert.equal(await reach.leavesOutputs(), true);
  answers.push(Promise.resolve(true));
  // Another network.
  reach.look();
  assert.equal(await reach.leavesOutputs(), false);
});

test("a worker without an address always leaves them", async () => {
  const reach = new OwnReach(null);
  reach.look();
  assert.equal(await reach.leavesOutputs(), true);
});
