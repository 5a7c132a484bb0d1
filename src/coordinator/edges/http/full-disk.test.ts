/** A call that the coordinator's disk has no room for says what frees it. */
import assert from "node:assert/strict";
import test from "node:test";
import { withCommand } from "./full-disk.ts";

test("C4: storage-full names the command that frees space at the coordinator, once", () => {
  const told = withCommand({ code: "storage-full", text: "the disk is full" });
  assert.match(told, /^the disk is full; `tequio rm` removes jobs that have ended/);
  assert.equal(withCommand({ code: "storage-full", text: told }), told);
  assert.equal(withCommand({ code: "unavailable", text: "away" }), "away");
});
