/** Links written and read back, and malformed ones. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { linkText, parseAddress, parseLink, type ShareLink } from "./share-link.ts";

const root = "ab".repeat(32);
const secret = "Zm9v-_".repeat(7);

const links: readonly ShareLink[] = [
  {
    addresses: [{ host: "127.0.0.1", port: 8001 }],
    root,
    isFolder: false,
    secret,
    fingerprint: "",
  },
  {
    addresses: [
      { host: "::1", port: 1 },
      { host: "peer.example.org", port: 65_535 },
    ],
    root,
    isFolder: true,
    secret,
    fingerprint: "cd".repeat(32),
  },
];

test("a link reads back as it was written", () => {
  for (const link of links) assert.deepEqual(parseLink(linkText(link)), link);
  assert.equal(linkText(links[0]!), `tequio:127.0.0.1:8001/${root}#${secret}`);
});

test("the error for a malformed link shows what it should look like", () => {
  const text = linkText(links[1]!);
  for (const bad of [
    "",
    "tequio:",
    text.slice(0, -1),
    text.replace("#", ""),
    text.replace(":1,", ":0,"),
    text.replace("tequio:", "http:"),
    `${text} x`,
    text.replace(root, root.slice(1)),
  ]) {
    assert.throws(() => parseLink(bad), /bad-request/, bad);
  }
});

test("addresses need a port that exists", () => {
  assert.deepEqual(parseAddress("[fe80::1]:80"), { host: "fe80::1", port: 80 });
  for (const bad of [
    "host",
    "host:",
    "host:0",
    "host:65536",
    "host:-1",
    "host:80 ",
    "a:b:1",
    "[x]:1",
  ]) {
    assert.throws(() => parseAddress(bad), /bad-request/, bad);
  }
});
