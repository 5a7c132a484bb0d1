/** Calls to a master that moves: the coordinator that leads changes. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { fingerprint, selfSigned } from "../../link/tls/self-signed.ts";
import { atEnd } from "../../store/testing/at-end.ts";
import { MasterCalls } from "./call.ts";

/** A master that answers with its name; `status` 503: it does not lead. */
async function master(t: TestContext, name: string, status = 200): Promise<string> {
  const server = createServer((_, response) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify({ name, message: name }));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  atEnd(t, () => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/p4`;
}

const own = { fingerprint: "", bearer: "t" };

test("a call goes to the coordinator that leads now, and the later ones, too", async (t) => {
  const before = await master(t, "before", 503);
  const now = await master(t, "now");
  let asked = 0;
  const find = async () => {
    asked += 1;
    return { url: now, fingerprint: "" };
  };
  const calls = new MasterCalls({ ...own, url: before, find });
  assert.deepEqual(await calls.call("/peers", {}), { name: "now", message: "now" });
  assert.equal(calls.url, now);
  await calls.call("/peers", {});
  assert.equal(asked, 1);
});

test("a master that is away and has not moved is reported as it is", async (t) => {
  const url = await master(t, "away", 503);
  const away = { code: "unavailable", message: /answered 503/ };
  const same = async () => ({ url, fingerprint: "" });
  for (const find of [same, async () => null, undefined]) {
    const calls = new MasterCalls({ ...own, url, ...(find === undefined ? {} : { find }) });
    await assert.rejects(calls.call("/peers", {}), away);
  }
  const refusing = await master(t, "refusing", 403);
  const find = async (isAway: boolean) => {
    assert.equal(isAway, false, "a refusal is an answer");
    return null;
  };
  const calls = new MasterCalls({ ...own, url: refusing, find });
  await assert.rejects(calls.call("/peers", {}), { code: "forbidden" });
});

/** The same by TLS, with a certificate of its own. */
async function tlsMaster(t: TestContext, name: string) {
  const certificate = selfSigned(["localhost", "127.0.0.1"], Date.now());
  const server = createTlsServer(certificate, (_, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ name }));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  atEnd(t, () => {
    server.closeAllConnections();
    server.close();
  });
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/p4`;
  return { url, fingerprint: fingerprint(certificate.cert) };
}

test("a coordinator that comes back with another certificate is called by that", async (t) => {
  const before = await tlsMaster(t, "before");
  const now = await tlsMaster(t, "now");
  let place = before;
  const find = async () => place;
  const calls = new MasterCalls({ ...before, bearer: "t", find });
  assert.deepEqual(await calls.call("/peers", {}), { name: "before" });
  place = now;
  // Something else answers at its old port, which its certificate shows.
  const taken = new MasterCalls({ ...before, url: now.url, bearer: "t", find });
  assert.deepEqual(await taken.call("/peers", {}), { name: "now" });
  // Nothing answers there.
  const gone = new MasterCalls({ ...before, url: "https://127.0.0.1:9/p4", bearer: "t", find });
  assert.deepEqual(await gone.call("/peers", {}), { name: "now" });
  assert.equal(gone.url, now.url);
  const lost = new MasterCalls({ ...before, url: now.url, bearer: "t", find: async () => null });
  await assert.rejects(lost.call("/peers", {}), { code: "unauthenticated" });
});
