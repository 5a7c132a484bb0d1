/** F3: which address is recorded for a member. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { addressText, plainAddress, provedHost, trustedHost } from "./addresses.ts";

const machine = {
  addresses: new Set(["127.0.0.1", "::1", "192.168.1.5", "fe80::1"]),
  names: new Set(["localhost", "master-host"]),
};

test("F3: a caller on another machine is recorded at its connection's address", () => {
  const hostile = [
    "127.0.0.1",
    "127.1",
    "0x7f.1",
    "2130706433",
    "::1",
    "localhost",
    "master-host",
    "192.168.1.5",
    "169.254.169.254",
    "::ffff:10.0.0.1",
    "10.0.0.1",
    "metadata.google.internal",
    "rebinds.example.org",
    "",
    "a b",
    "10.0.0.9/../x",
  ];
  for (const said of hostile) {
    assert.equal(provedHost(said, "10.0.0.9", machine), "10.0.0.9", said);
    assert.equal(provedHost(said, "::ffff:10.0.0.9", machine), "10.0.0.9", said);
  }
  assert.equal(provedHost("10.0.0.9", "::ffff:10.0.0.9", machine), "10.0.0.9");
  assert.equal(provedHost("[2001:DB8::9]", "2001:db8::9", machine), "2001:db8::9");
});

test("F3: a caller on this machine may give any address and name of this machine, no other", () => {
  for (const seen of ["127.0.0.1", "::1", "::ffff:127.0.0.1", "192.168.1.5"]) {
    for (const said of ["127.0.0.1", "localhost", "192.168.1.5", "master-host", "Master-Host"]) {
      assert.equal(provedHost(said, seen, machine), said);
    }
    for (const said of ["169.254.169.254", "10.0.0.1", "example.org", "127.1", "0x7f.1", ""]) {
      assert.equal(provedHost(said, seen, machine), plainAddress(seen), `${said} from ${seen}`);
    }
  }
});

test("a master behind a proxy may accept addresses and names, and nothing else", () => {
  assert.equal(trustedHost("10.0.0.1", "127.0.0.1"), "10.0.0.1");
  assert.equal(trustedHost("peer.example.org", "127.0.0.1"), "peer.example.org");
  for (const said of ["", "a b", "x/y", "-", "a\nb", "x".repeat(300)]) {
    assert.equal(trustedHost(said, "127.0.0.1"), "127.0.0.1", said);
  }
});

test("an address of IPv6 has brackets before its port", () => {
  assert.equal(addressText({ host: "::1", port: 80 }), "[::1]:80");
  assert.equal(addressText({ host: "10.0.0.1", port: 80 }), "10.0.0.1:80");
});
