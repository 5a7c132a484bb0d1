/** The gRPC client and server against independent implementations: grpc-js, and Python's where
 *  Debian's python3-grpcio is installed. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { test } from "node:test";
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerWritableStream,
  type ServiceError,
  type sendUnaryData,
} from "@grpc/grpc-js";
import { GrpcError, grpcStatus } from "./status.ts";
import { openEcho, startEcho } from "./testing/echo.ts";

const options = { limitMs: waitMaxMs, answerMaxBytes: 8 * 1024 * 1024 };
const same = (bytes: Buffer) => bytes;

function call(path: string, requestStream = false, responseStream = false) {
  return {
    path,
    requestStream,
    responseStream,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
}

test("grpc-js calls this server: answers, streams, metadata, failures", async (t) => {
  const { port } = await startEcho(t);
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  t.after(() => client.close());
  const unary = (path: string, request: Buffer, metadata = new Metadata()) =>
    new Promise<Buffer>((resolve, reject) => {
      client.makeUnaryRequest<Buffer, Buffer>(
        path,
        same,
        same,
        request,
        metadata,
        (error, answer) => (error === null ? resolve(answer!) : reject(error)),
      );
    });
  const large = Buffer.alloc(4_000_000, 3);
  assert.ok(large.equals(await unary("/Echo/once", large)));
  assert.equal((await unary("/Echo/once", Buffer.alloc(0))).length, 0);
  const metadata = new Metadata();
  metadata.set("authorization", "Bearer x");
  assert.equal(String(await unary("/Echo/metadata", Buffer.alloc(0), metadata)), "Bearer x");
  const got: number[] = [];
  const request = Buffer.of(100, 9);
  const stream = client.makeServerStreamRequest("/Echo/many", same, same, request);
  for await (const message of stream as AsyncIterable<Buffer>) got.push(message[0]!);
  assert.equal(got.length, 100);
  await assert.rejects(unary("/Echo/refuse", Buffer.alloc(0)), (error: ServiceError) => {
    assert.equal(error.code, grpcStatus.notFound);
    assert.equal(error.details, "no such thing: ñandú\n100 %");
    return true;
  });
  await assert.rejects(unary("/Echo/none", Buffer.alloc(0)), { code: grpcStatus.unimplemented });
  await assert.rejects(unary("/Echo/refuse", Buffer.alloc(2000)), {
    code: grpcStatus.resourceExhausted,
  });
});

test("this client calls grpc-js: answers, streams, metadata, failures", async (t) => {
  const server = new Server();
  server.addService(
    {
      once: call("/Other/once"),
      many: call("/Other/many", false, true),
      refuse: call("/Other/refuse"),
      token: call("/Other/token"),
    },
    {
      once: (ask: { request: Buffer }, done: sendUnaryData<Buffer>) => done(null, ask.request),
      many(stream: ServerWritableStream<Buffer, Buffer>) {
        for (let i = 0; i < stream.request[0]!; i++) stream.write(Buffer.of(i));
        stream.end();
      },
      refuse: (_ask: unknown, done: sendUnaryData<Buffer>) =>
        done({ code: grpcStatus.notFound, details: "File not found: ñ" }),
      token: (ask: { metadata: Metadata }, done: sendUnaryData<Buffer>) =>
        done(null, Buffer.from(String(ask.metadata.get("authorization")[0]))),
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  t.after(() => server.forceShutdown());
  const client = await openEcho(t, port);
  const large = Buffer.alloc(4_000_000, 5);
  assert.ok(large.equals(await client.unary("/Other/once", [large], options)));
  let count = 0;
  for await (const message of client.stream("/Other/many", [Buffer.of(200)], options)) {
    assert.equal(message[0], count);
    count += 1;
  }
  assert.equal(count, 200);
  const metadata = { authorization: "Bearer y" };
  const token = await client.unary("/Other/token", [Buffer.alloc(0)], { ...options, metadata });
  assert.equal(Buffer.from(token).toString(), "Bearer y");
  const refused = client.unary("/Other/refuse", [Buffer.alloc(0)], options);
  await assert.rejects(refused, (error: unknown) => {
    assert.ok(error instanceof GrpcError);
    assert.deepEqual([error.status, error.text], [grpcStatus.notFound, "File not found: ñ"]);
    return true;
  });
});

const python = "/usr/bin/python3";
const hasPython = spawnSync(python, ["-c", "import grpc"]).status === 0;
const skip = hasPython ? false : "Debian's python3-grpcio is not installed";

const pythonClient = `
import sys, grpc
channel = grpc.insecure_channel("127.0.0.1:" + sys.argv[1])
same = lambda b: b
once = channel.unary_unary("/Echo/once", request_serializer=same, response_deserializer=same)
assert once(b"x" * 1000000) == b"x" * 1000000
many = channel.unary_stream("/Echo/many", request_serializer=same, response_deserializer=same)
assert [m[0] for m in many(bytes([50, 1]))] == list(range(50))
token = channel.unary_unary("/Echo/metadata", request_serializer=same, response_deserializer=same)
assert token(b"", metadata=[("authorization", "Bearer p")]) == b"Bearer p"
refuse = channel.unary_unary("/Echo/refuse", request_serializer=same, response_deserializer=same)
try:
    refuse(b"")
    raise SystemExit("not refused")
except grpc.RpcError as error:
    assert error.code() == grpc.StatusCode.NOT_FOUND, error
    assert error.details() == "no such thing: \\u00f1and\\u00fa\\n100 %", error.details()
print("fine")
`;

test("Python's gRPC calls this server", { skip }, async (t) => {
  const { port } = await startEcho(t);
  const child = spawn(python, ["-c", pythonClient, String(port)], {
    env: { PATH: process.env.PATH, GRPC_VERBOSITY: "NONE" },
  });
  t.after(() => child.kill("SIGKILL"));
  let said = "";
  for (const out of [child.stdout, child.stderr]) out.on("data", (text) => (said += text));
  const code = await new Promise((resolve) => child.once("close", resolve));
  assert.equal(code, 0, said);
  assert.match(said, /fine/);
});

const pythonServer = `
import grpc, sys
from concurrent import futures
same = lambda b: b
def refuse(request, context):
    context.abort(grpc.StatusCode.NOT_FOUND, "File not found")
def many(request, context):
    for i in range(request[0]):
        yield bytes([i]) * 100000
handlers = {
    "once": grpc.unary_unary_rpc_method_handler(lambda r, c: r, same, same),
    "refuse": grpc.unary_unary_rpc_method_handler(refuse, same, same),
    "many": grpc.unary_stream_rpc_method_handler(many, same, same),
}
server = grpc.server(futures.ThreadPoolExecutor(2))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("Other", handlers),))
port = server.add_insecure_port("127.0.0.1:0")
server.start()
print(port, flush=True)
sys.stdin.read()
`;

import { waitMaxMs } from "../../store/testing/patience.ts";

test("this client calls Python's gRPC", { skip }, async (t) => {
  const child = spawn(python, ["-c", pythonServer], {
    env: { PATH: process.env.PATH, GRPC_VERBOSITY: "NONE" },
  });
  t.after(() => child.kill("SIGKILL"));
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.once("data", (text) => resolve(Number(text)));
    child.once("close", () => reject(new Error("the Python server ended")));
  });
  const client = await openEcho(t, port);
  const large = Buffer.alloc(1_000_000, 5);
  assert.ok(large.equals(await client.unary("/Other/once", [large], options)));
  const lengths: number[] = [];
  for await (const message of client.stream("/Other/many", [Buffer.of(60)], options)) {
    lengths.push(message.length);
  }
  assert.deepEqual(lengths, new Array(60).fill(100_000));
  const refused = client.unary("/Other/refuse", [Buffer.alloc(0)], options);
  await assert.rejects(refused, /not-found: File not found/);
});
