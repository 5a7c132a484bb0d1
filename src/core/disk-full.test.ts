/** Which errors of the system are of a full disk. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isDiskFull } from "./disk-full.ts";

test("a disk is full by its space or by the quota of a user, and by nothing else", () => {
  for (const code of ["ENOSPC", "EDQUOT"])
    assert.ok(isDiskFull(Object.assign(new Error(), { code })));
  for (const code of ["EFBIG", "EIO", "storage-full", undefined]) {
    assert.equal(isDiskFull(Object.assign(new Error(), { code })), false);
  }
  for (const thrown of [null, undefined, "ENOSPC", 28]) assert.equal(isDiskFull(thrown), false);
});
