/** Why `tequio up` ends. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { endOfUp } from "./end-of-up.ts";

test("a coordinator that cannot go on differs from one that is stopped", async () => {
  const broken = endOfUp();
  broken.reject(new Error("replaced"));
  await assert.rejects(broken.promise, /replaced/);
  assert.equal(broken.fatal?.message, "replaced");
  const stopped = endOfUp();
  stopped.resolve();
  assert.equal(await stopped.promise, "stopping (tequio down)");
  assert.equal(stopped.fatal, null);
  for (const one of [broken, stopped]) one.release();
});
