/** F3: addresses that a peer may name, and those that lead inside. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { dial } from "../link/grpc/dial.ts";
import { waitMaxMs } from "../store/testing/patience.ts";
import { reachOf, refuserFor } from "./addresses.ts";

test("F3: link-local, unspecified, multicast and wrapped addresses are refused", () => {
  const never = [
    "169.254.169.254",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "0.0.0.0",
    "0.1.2.3",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "ff02::1",
    "2002:a9fe:a9fe::1",
    "64:ff9b::169.254.169.254",
    "",
    "example.org",
    "0x7f.1",
  ];
  for (const ip of never) assert.equal(reachOf(ip), null, ip);
});

test("F3: an address from a coordinator may not be more private than the coordinator's own", () => {
  const reaches = { "127.0.0.1": "machine", "::1": "machine", "::ffff:127.0.0.1": "machine" };
  const sites = {
    "10.1.2.3": "site",
    "::ffff:10.0.0.1": "site",
    "192.168.1.1": "site",
    "fd00::1": "site",
  };
  const world = { "8.8.8.8": "world", "2606:4700::1": "world" };
  for (const [ip, reach] of Object.entries({ ...reaches, ...sites, ...world })) {
    assert.equal(reachOf(ip), reach, ip);
  }
  assert.equal(refuserFor("machine")("127.0.0.1"), null);
  assert.match(refuserFor("site")("127.0.0.1") ?? "", /inside/);
  assert.equal(refuserFor("site")("10.0.0.1"), null);
  assert.match(refuserFor("world")("10.0.0.1") ?? "", /inside/);
  assert.equal(refuserFor("world")("8.8.8.8"), null);
});

test("F3: host names are checked by the address that they resolve to", async () => {
  const options = { port: 9, fingerprint: "", limitMs: waitMaxMs };
  for (const host of ["127.0.0.1", "localhost", "0x7f.1", "127.1", "[::1]".slice(1, -1)]) {
    const dialled = dial({ ...options, host, refuse: refuserFor("world") });
    await assert.rejects(dialled, /forbidden.*is not dialled|unavailable/, host);
  }
  const named = dial({ ...options, host: "localhost", refuse: refuserFor("world") });
  await assert.rejects(named, /forbidden/);
});
