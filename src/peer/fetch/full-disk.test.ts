/** A download on a full disk says what goes on with it. */
import assert from "node:assert/strict";
import test from "node:test";
import { downloadFailure } from "./full-disk.ts";

test("C4: a download that has no room names the command that goes on", () => {
  const full = Object.assign(new Error("no space"), { code: "ENOSPC" });
  assert.equal(
    downloadFailure(full, "a.txt").message,
    "storage-full: the download to a.txt does not fit, the disk is full, free some or choose " +
      "another place, then run the same `tequio get` again: downloaded pieces are kept",
  );
  assert.match(downloadFailure(full, "a.txt", false).text, /run the same `tequio get` again$/);
});
