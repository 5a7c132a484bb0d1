/** TLS pinning: exactly one certificate, checked before a header leaves. */
import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import { ClusterError } from "../core/error.ts";
import { testCertificates } from "./testdata/certificates.ts";
import { acceptWebSockets, dialWebSocket } from "./websocket.ts";

const pinned = fingerprintOf(testCertificates.pinned.cert);
const headers = { authorization: "Bearer secret" };

function fingerprintOf(pem: string): string {
  return createHash("sha256").update(new X509Certificate(pem).raw).digest("hex");
}

/** A TLS server that records every decrypted byte that reaches it. */
async function eavesdrop(test: TestContext, certificate: { key: string; cert: string }) {
  const heard: Buffer[] = [];
  let ended = () => {};
  const gone = new Promise<void>((resolve) => {
    ended = resolve;
  });
  const server = createTlsServer({ ...certificate }, (socket) => {
    socket.on("data", (chunk) => heard.push(chunk));
    socket.on("error", () => {});
    socket.on("close", () => ended());
  });
  server.on("tlsClientError", () => ended());
  const port = await listen(test, server);
  return { url: `wss://127.0.0.1:${port}`, heard, gone };
}

async function listen(test: TestContext, server: import("node:net").Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  test.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function failure(url: string, options: Parameters<typeof dialWebSocket>[1]) {
  const error = await dialWebSocket(url, options).then(
    () => null,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ClusterError);
  return error;
}

describe("a pinned certificate", () => {
  for (const spelling of [pinned, pinned.toUpperCase().replace(/(..)(?=.)/g, "$1:")]) {
    it(`is accepted when it matches, spelled ${spelling.slice(0, 6)}…`, async (test) => {
      const server = createServer({ ...testCertificates.pinned });
      const port = await listen(test, server);
      const acceptor = acceptWebSockets();
      test.after(() => acceptor.close());
      const asked = new Promise<string | undefined>((resolve) => {
        server.on("upgrade", (request, socket, head) => {
          acceptor.handleUpgrade(request, socket, head, (link) => {
            link.onFrame((frame) => link.send(frame));
            resolve(request.headers.authorization);
          });
        });
      });
      const tls = { fingerprint: spelling };
      const link = await dialWebSocket(`https://127.0.0.1:${port}`, { headers, tls });
      const echo = new Promise<Uint8Array>((resolve) => link.onFrame(resolve));
      link.send(Uint8Array.of(7));
      assert.deepEqual(await echo, Uint8Array.of(7));
      assert.equal(await asked, "Bearer secret");
    });
  }

  it("that does not match ends the dial before anything was sent", async (test) => {
    const server = await eavesdrop(test, testCertificates.other);
    const error = await failure(server.url, { headers, tls: { fingerprint: pinned } });
    assert.equal(error.code, "unauthenticated");
    assert.match(error.text, /another certificate/);
    await server.gone;
    assert.equal(Buffer.concat(server.heard).toString(), "");
  });

  it("is an error for an address without TLS", async () => {
    const error = await failure("ws://127.0.0.1:1", { headers, tls: { fingerprint: pinned } });
    assert.equal(error.code, "bad-request");
  });

  it("must be a SHA-256", async () => {
    const error = await failure("wss://127.0.0.1:1", { tls: { fingerprint: "ab" } });
    assert.equal(error.code, "bad-request");
  });
});

describe("TLS without a pin", () => {
  it("refuses a certificate that no authority signed, before anything was sent", async (test) => {
    const server = await eavesdrop(test, testCertificates.pinned);
    const error = await failure(server.url, { headers });
    assert.equal(error.code, "unauthenticated");
    await server.gone;
    assert.equal(Buffer.concat(server.heard).toString(), "");
  });

  it("to a port that does not speak it reports that", async (test) => {
    const server = createTcpServer((socket) => {
      socket.on("error", () => {});
      socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    const port = await listen(test, server);
    for (const tls of [{ tls: { fingerprint: pinned } }, {}]) {
      assert.equal((await failure(`wss://127.0.0.1:${port}`, tls)).code, "bad-request");
    }
  });
});
