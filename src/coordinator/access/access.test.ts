/** Tokens, the failure counter and the certificate, each without a server. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { createSecureContext, createServer, connect as tlsConnect } from "node:tls";
import { fingerprint, selfSigned } from "../../link/tls/self-signed.ts";
import { FailureCounter } from "./rate.ts";
import { mintToken, readToken, sameHash, tokenHash } from "./tokens.ts";

test("a token contains its kind and id, and two are never equal", () => {
  const a = mintToken("join");
  const b = mintToken("join");
  assert.deepEqual(readToken(a.token), { kind: "join", id: a.id });
  assert.notEqual(a.token, b.token);
  assert.equal(a.hash, tokenHash(a.token));
  assert.ok(sameHash(a.hash, tokenHash(a.token)));
  assert.ok(!sameHash(a.hash, b.hash));
  assert.ok(!sameHash("", ""));
});

test("every single changed character of a token is recognised as a typing error", () => {
  const { token } = mintToken("worker", "w-12");
  for (let at = 0; at < token.length; at++) {
    const other = token[at] === "a" ? "b" : "a";
    const read = readToken(token.slice(0, at) + other + token.slice(at + 1));
    assert.ok("problem" in read, `character ${at}`);
  }
});

test("an address with too many failures must wait until its window ends", () => {
  const counter = new FailureCounter({ failuresMax: 2, windowMs: 1_000, addressesMax: 2 });
  assert.deepEqual(
    [0, 1, 2].map((atMs) => counter.failed("a", atMs)),
    [false, false, true],
  );
  assert.equal(counter.failed("b", 3), false);
  assert.equal(counter.failed("a", 1_000), false);
});

test("the failure counter evicts the oldest address above its bound", () => {
  const counter = new FailureCounter({ failuresMax: 0, windowMs: 1_000, addressesMax: 1 });
  for (let n = 0; n < 100; n++) assert.equal(counter.failed(`address ${n}`, n), true);
});

test("TLS accepts the certificate, for its names, with the reported fingerprint", async () => {
  const made = selfSigned(["localhost", "127.0.0.1"], Date.UTC(2026, 0, 1));
  const x509 = new X509Certificate(made.cert);
  assert.ok(x509.verify(x509.publicKey));
  assert.equal(x509.checkHost("localhost"), "localhost");
  assert.equal(x509.checkIP("127.0.0.1"), "127.0.0.1");
  assert.equal(x509.checkHost("elsewhere"), undefined);
  const server = createServer(made, (socket) => socket.end("hello"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const heard = await new Promise<string>((resolve, reject) => {
    const socket = tlsConnect({ port, host: "127.0.0.1", ca: made.cert }, () => {
      const seen = socket.getPeerX509Certificate()?.fingerprint256.replaceAll(":", "");
      assert.equal(seen?.toLowerCase(), fingerprint(made.cert));
    });
    socket.setEncoding("utf8").on("data", resolve).on("error", reject);
  });
  assert.equal(heard, "hello");
  await new Promise((resolve) => server.close(resolve));
});

test("a certificate can be loaded whatever the length of its text", () => {
  for (let length = 1; length <= 64; length++) {
    createSecureContext(selfSigned(["h".repeat(length)], Date.UTC(2026, 0, 1)));
  }
});
