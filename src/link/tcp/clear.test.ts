/** What counts as staying on this machine. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { refuseBeyondHere } from "./clear.ts";

const here = [
  ["127.0.0.1", "127.0.0.1"],
  ["127.0.0.1", "127.9.9.9"],
  ["::1", "::1"],
  ["::ffff:127.0.0.1", "::ffff:127.0.0.2"],
  ["10.0.0.5", "10.0.0.5"],
  ["fe80::1", "fe80::1"],
] as const;

const elsewhere = [
  ["10.0.0.5", "10.0.0.6"],
  ["::ffff:10.0.0.5", "::ffff:10.0.0.6"],
  ["10.0.0.5", "::1:2"],
  ["10.0.0.5", "1127.0.0.1"],
  ["127.0.0.1", undefined],
  [undefined, undefined],
] as const;

test("only connections within this machine may be unencrypted", () => {
  for (const [localAddress, remoteAddress] of here) {
    assert.equal(refuseBeyondHere({ localAddress, remoteAddress }), null, remoteAddress);
  }
  for (const [localAddress, remoteAddress] of elsewhere) {
    assert.match(refuseBeyondHere({ localAddress, remoteAddress }) ?? "", /another machine/);
  }
});
