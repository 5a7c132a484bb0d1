/** One port for gRPC, gRPC inside TLS, and the console, distinguished by the first bytes. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import { GrpcClient } from "../link/grpc/client.ts";
import { dial } from "../link/grpc/dial.ts";
import { GrpcServer } from "../link/grpc/server.ts";
import { fingerprint, selfSigned } from "../link/tls/self-signed.ts";
import { waitMaxMs } from "../store/testing/patience.ts";
import { defaultListenerLimits, openListener } from "./listener.ts";

const certificate = selfSigned(["localhost"], Date.now());
const pin = fingerprint(certificate.cert);

async function listen(t: TestContext, hasTls: boolean): Promise<number> {
  const grpc = new GrpcServer({
    methods: {
      "/Echo/once": { requestMaxBytes: 100, handle: (bytes, _call, sink) => sink.send([bytes]) },
    },
    tls: hasTls ? certificate : null,
    onBroken: (error) => assert.fail(String(error)),
  });
  const listener = await openListener({
    ...defaultListenerLimits,
    host: "127.0.0.1",
    port: 0,
    grpc,
    other: (socket, first) => socket.end(`received ${Buffer.from(first)}`),
    firstBytesMs: 2_000,
  });
  t.after(() => listener.close());
  return listener.port;
}

async function echo(t: TestContext, port: number, of: string): Promise<string> {
  const options = { host: "127.0.0.1", port, refuse: () => null, limitMs: waitMaxMs };
  const socket = await dial({ ...options, fingerprint: of });
  const client = new GrpcClient(socket, `127.0.0.1:${port}`);
  t.after(() => client.close());
  const call = { limitMs: waitMaxMs, answerMaxBytes: 100 };
  const answer = await client.unary("/Echo/once", [Buffer.from("hi")], call);
  return Buffer.from(answer).toString();
}

test("gRPC is answered in the clear and inside TLS, on one port", async (t) => {
  const port = await listen(t, true);
  assert.equal(await echo(t, port, ""), "hi");
  assert.equal(await echo(t, port, pin), "hi");
});

test("another certificate than the link names is refused before anything is sent", async (t) => {
  const port = await listen(t, true);
  await assert.rejects(echo(t, port, "ab".repeat(32)), /unauthenticated.*another certificate/);
});

test("TLS where there is no certificate, and silence, are closed", async (t) => {
  const port = await listen(t, false);
  await assert.rejects(echo(t, port, pin), /unavailable/);
  const silent = connect(port, "127.0.0.1").resume();
  await new Promise((resolve) => silent.once("close", resolve));
});

test("all else goes to the console, also when it begins like HTTP/2", async (t) => {
  const port = await listen(t, true);
  for (const text of ["GET_FILE", "PUBLISH", "PRX", "P"]) {
    const socket = connect(port, "127.0.0.1").setNoDelay(true);
    for (const letter of text) {
      socket.write(letter);
      await new Promise(setImmediate);
    }
    let received = "";
    socket.on("data", (chunk) => {
      received += chunk;
    });
    await new Promise((resolve) => socket.once("close", resolve));
    // A single P may be the start of any protocol: no service is given the connection.
    assert.ok(
      text === "P" ? received === "" : received.startsWith(`received ${text[0]}`),
      `${text}: ${received}`,
    );
  }
});
