/** Codes stand for tokens that the coordinator reads as its own. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { isJoinCode, joinCodeOf, tokenOfJoinCode } from "./join-code.ts";

const tokenOf = (code: string) =>
  tokenOfJoinCode(code, (bytes) => createHash("sha256").update(bytes).digest("hex"));

test("a code stands for one token, however it is typed", () => {
  const code = joinCodeOf(Uint8Array.from({ length: 20 }, (_, n) => n * 7));
  assert.equal(code, "07en-w3ah-rz6d-mv29-gqy5");
  const token = tokenOf(code);
  assert.match(token, /^mrt_join_[0-9a-f]{10}_[0-9a-f]{72}$/);
  for (const text of [" 07EN-W3AH-RZ6D-MV29-GQY5", "o7enw3ahrz6dmv29gqy5"]) {
    assert.ok(isJoinCode(text));
    assert.equal(tokenOf(text), token);
  }
});

test("no other text is taken for a code, and no two codes have one token", () => {
  const token = tokenOf(joinCodeOf(randomBytes(20)));
  for (const text of [
    "",
    token,
    "07en-w3ah",
    "07en-w3ah-rz6d-m29g-qy5",
    "uuuu-uuuu-uuuu-uuuu-uuuu",
  ]) {
    assert.ok(!isJoinCode(text), text);
  }
  const many = Array.from({ length: 1_000 }, () => tokenOf(joinCodeOf(randomBytes(20))));
  assert.equal(new Set(many.map((one) => one.slice(9, 19))).size, 1_000, "ids");
});
