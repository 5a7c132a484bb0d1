/** Calls of a worker to a coordinator with a certificate of its own. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { fingerprint, selfSigned } from "../../link/tls/self-signed.ts";
import { waitMaxMs } from "../../store/testing/patience.ts";
import { ask, readAll } from "./http.ts";

test("calls to a pinned certificate share a connection, and with another pin none", async (t) => {
  const { cert, key } = selfSigned(["127.0.0.1"], Date.now());
  let connections = 0;
  const server = createServer({ cert, key }, (_, response) => response.end("yes"));
  server.on("secureConnection", () => connections++);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const call = (pin: string) => ask(url, { fingerprint: pin, idleMs: waitMaxMs });
  for (let n = 0; n < 3; n++) {
    assert.equal(String(await readAll(await call(fingerprint(cert)), 10)), "yes");
  }
  assert.equal(connections, 1);
  await assert.rejects(call("0".repeat(64)), { code: "unauthenticated" });
});
