/** Which addresses count as one place. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { blockOf } from "./block.ts";

test("addresses of one /24 or /48 are one block, whatever the port and the notation", () => {
  const cases = {
    "192.0.2.7:50123": "192.0.2",
    "192.0.2.200": "192.0.2",
    "::ffff:192.0.2.9:41000": "192.0.2",
    "2001:db8:1:ff::7:50123": "2001:db8:1",
    "[2001:db8:1::1]:443": "2001:db8:1",
    "2001:0db8:0001::9": "2001:db8:1",
    "::1:7070": "0:0:0",
    "fe80::1%eth0": "fe80:0:0",
    "this process": "",
    "": "",
  };
  for (const [remote, block] of Object.entries(cases)) assert.equal(blockOf(remote), block, remote);
});
