/** Which coordinator a command line means. */
import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { temporaryDir } from "../store/testing/at-end.ts";
import { coordinatorUrl, dataDirOf, findTarget, readSecret } from "./place.ts";

function scratch(t: TestContext): string {
  const dir = temporaryDir(t, "tequio-place-");
  return dir;
}

function withEndpoint(dir: string): void {
  const endpoint = { url: "http://127.0.0.1:7070", fingerprint: "ab", pid: 1, version: "0" };
  writeFileSync(join(dir, "endpoint.json"), JSON.stringify(endpoint));
  writeFileSync(join(dir, "admin.token"), "secret\n", { mode: 0o600 });
}

test("the data directory is the first of option, own variable, XDG, home", () => {
  const all = { TEQUIO_DATA: "/a", XDG_DATA_HOME: "/x" };
  assert.equal(dataDirOf("/o", all), "/o");
  assert.equal(dataDirOf(undefined, all), "/a");
  assert.equal(dataDirOf(undefined, { XDG_DATA_HOME: "/x" }), "/x/tequio");
  assert.match(dataDirOf(undefined, { XDG_DATA_HOME: "relative" }), /\/\.local\/share\/tequio$/);
});

test("on the same machine the address and the admin token are found without being named", (t) => {
  const dir = scratch(t);
  withEndpoint(dir);
  const { whereNow, ...found } = findTarget({}, { TEQUIO_DATA: dir });
  const place = { url: "http://127.0.0.1:7070", fingerprint: "ab" };
  assert.deepEqual(found, { ...place, token: "secret", dataDir: dir });
  // After a restart at another port.
  assert.deepEqual(whereNow?.(), place);
});

test("an address wins over the data directory, but --data over the environment's address", (t) => {
  const dir = scratch(t);
  withEndpoint(dir);
  const environment = { TEQUIO_URL: "far:1", TEQUIO_TOKEN: "t", TEQUIO_DATA: dir };
  assert.equal(findTarget({}, environment).url, "https://far:1");
  assert.equal(findTarget({ data: dir }, environment).url, "http://127.0.0.1:7070");
});

test("without a coordinator the error says how to start or name one", (t) => {
  const dir = scratch(t);
  assert.throws(() => findTarget({ data: dir }, {}), /unavailable: .*tequio up.*--url/s);
  assert.throws(() => findTarget({ url: "far:1" }, {}), /unauthenticated: .*--token-file/);
});

test("a half-written endpoint is no coordinator", (t) => {
  const dir = scratch(t);
  writeFileSync(join(dir, "endpoint.json"), '{"url":"htt');
  assert.throws(() => findTarget({ data: dir }, {}), /unavailable/);
});

test("a token that others can read is refused with the command that helps", (t) => {
  const file = join(scratch(t), "token");
  writeFileSync(file, "secret");
  chmodSync(file, 0o644);
  assert.throws(() => readSecret(file), new RegExp(`bad-request: .*chmod 600 ${file}`));
  chmodSync(file, 0o600);
  assert.equal(readSecret(file), "secret");
  assert.throws(() => readSecret(`${file}.missing`), /not-found: no token file/);
});

test("addresses may leave out what is obvious and nothing else", () => {
  assert.equal(coordinatorUrl("host:7070"), "https://host:7070");
  assert.equal(coordinatorUrl("127.0.0.1.example.org:7070"), "https://127.0.0.1.example.org:7070");
  assert.equal(coordinatorUrl("http://host:7070"), "http://host:7070");
  assert.equal(coordinatorUrl("localhost:7070"), "http://localhost:7070");
  assert.equal(coordinatorUrl("127.0.0.1"), "http://127.0.0.1");
  assert.equal(coordinatorUrl("https://host:7070/"), "https://host:7070");
  assert.equal(coordinatorUrl("[::1]:7070"), "http://[::1]:7070");
  for (const bad of ["", "ftp://host", "http://", "a b"]) {
    assert.throws(() => coordinatorUrl(bad), /bad-request: .*https:\/\/host:7070/, bad);
  }
});
