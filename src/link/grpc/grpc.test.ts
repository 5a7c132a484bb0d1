/** The gRPC client against the gRPC server: messages, statuses, limits; and what hostile peers send
 *  (T4.3). */
import assert from "node:assert/strict";
import { connect as connectHttp2 } from "node:http2";
import type { Socket } from "node:net";
import { test } from "node:test";
import { ClusterError } from "../../core/error.ts";
import { waitMaxMs } from "../../store/testing/patience.ts";
import { MessageCutter, prefixOf } from "./messages.ts";
import { decodeDetails, encodeDetails, parseTimeout, timeoutText } from "./metadata.ts";
import { GrpcError, grpcStatus, isConnectionLost } from "./status.ts";
import { frame, openEcho, rawConnection, startEcho } from "./testing/echo.ts";

const options = { limitMs: waitMaxMs, answerMaxBytes: 8 * 1024 * 1024 };
const nothing = [new Uint8Array(0)];

function status(expected: number, details: RegExp = /./) {
  return (error: unknown) => {
    assert.ok(error instanceof GrpcError, String(error));
    assert.equal(error.status, expected, error.message);
    assert.match(error.text, details);
    return true;
  };
}

test("a call is answered with its own bytes, also with none and with many", async (t) => {
  const client = await openEcho(t, (await startEcho(t)).port);
  for (const size of [0, 1, 5, 16_384, 5_000_000]) {
    const sent = Buffer.alloc(size, 7);
    const got = await client.unary("/Echo/once", [sent], options);
    assert.ok(sent.equals(got), `${size} bytes`);
  }
});

test("messages of a stream come whole and in order, whatever chunks they come in", async (t) => {
  const client = await openEcho(t, (await startEcho(t)).port);
  const got: number[] = [];
  const request = Uint8Array.of(200, 1, 2, 3);
  for await (const message of client.stream("/Echo/many", [request], options)) {
    assert.deepEqual([...message.subarray(1)], [...request]);
    got.push(message[0]!);
  }
  assert.deepEqual(
    got,
    Array.from({ length: 200 }, (_, i) => i),
  );
});

test("a failure arrives with its status and its message, in any alphabet", async (t) => {
  const { port, broken } = await startEcho(t);
  const client = await openEcho(t, port);
  await assert.rejects(
    client.unary("/Echo/refuse", nothing, options),
    status(grpcStatus.notFound, /ñandú\n100 %/),
  );
  await assert.rejects(
    client.unary("/Echo/nothing", nothing, options),
    status(grpcStatus.unimplemented),
  );
  assert.deepEqual(broken, []);
});

test("internal errors of the server are reported without their details", async (t) => {
  const methods = {
    "/Echo/broken": {
      requestMaxBytes: 10,
      handle: () => Promise.reject(new Error("secret path")),
    },
  };
  const { port, broken } = await startEcho(t, { methods });
  const client = await openEcho(t, port);
  await assert.rejects(client.unary("/Echo/broken", nothing, options), (error: Error) => {
    assert.doesNotMatch(error.message, /secret/);
    return status(grpcStatus.internal)(error);
  });
  assert.equal(broken.length, 1);
});

test("metadata goes along", async (t) => {
  const client = await openEcho(t, (await startEcho(t)).port);
  const metadata = { authorization: "Bearer t" };
  const got = await client.unary("/Echo/metadata", nothing, { ...options, metadata });
  assert.equal(Buffer.from(got).toString(), "Bearer t");
});

test("a reader that leaves early cancels, and the connection serves the next call", async (t) => {
  const client = await openEcho(t, (await startEcho(t)).port);
  let count = 0;
  for await (const _ of client.stream("/Echo/endless", nothing, options)) {
    count += 1;
    if (count === 50) break;
  }
  assert.equal(count, 50);
  assert.equal((await client.unary("/Echo/once", [Uint8Array.of(1)], options)).length, 1);
});

test("a call that takes too long ends on both sides", async (t) => {
  const client = await openEcho(t, (await startEcho(t)).port);
  const late = { ...options, limitMs: 30 };
  await assert.rejects(client.unary("/Echo/never", nothing, late), /timed-out/);
});

test("a lost connection is unavailable, and so is every later call", async (t) => {
  const echo = await startEcho(t);
  const client = await openEcho(t, echo.port);
  const call = client.unary("/Echo/never", nothing, options);
  client.close();
  await assert.rejects(call, isConnectionLost);
  await assert.rejects(call, /unavailable: the connection was lost/);
  await client.closed;
  const later = client.unary("/Echo/once", nothing, options);
  await assert.rejects(later, isConnectionLost);
  await assert.rejects(later, /unavailable.*closed/);
});

test("an answer is not taken for a lost connection, whatever its message", async (t) => {
  const text = "the connection was lost before the file was closed";
  const handle = () => Promise.reject(new ClusterError("unavailable", text));
  const { port } = await startEcho(t, {
    methods: { "/Echo/sad": { requestMaxBytes: 10, handle } },
  });
  const client = await openEcho(t, port);
  await assert.rejects(client.unary("/Echo/sad", nothing, options), (error: Error) => {
    assert.match(error.message, /lost before the file was closed/);
    return !isConnectionLost(error);
  });
});

test("T4.3: a request over the limit is RESOURCE_EXHAUSTED before it is read", async (t) => {
  const client = await openEcho(t, (await startEcho(t)).port);
  await assert.rejects(
    client.unary("/Echo/refuse", [new Uint8Array(1_000_000)], options),
    status(grpcStatus.resourceExhausted, /1000000 bytes, at most 1024/),
  );
});

test("T4.3: an answer over the limit is refused by its announced length", async (t) => {
  const client = await openEcho(t, (await startEcho(t)).port);
  const small = { ...options, answerMaxBytes: 10 };
  await assert.rejects(client.unary("/Echo/once", [new Uint8Array(11)], small), /limit-exceeded/);
});

test("T4.3, F8: compressed messages are UNIMPLEMENTED: nothing is decompressed", async (t) => {
  const { port } = await startEcho(t);
  const client = await openEcho(t, port);
  const gzip = { ...options, metadata: { "grpc-encoding": "gzip" } };
  await assert.rejects(client.unary("/Echo/once", nothing, gzip), status(grpcStatus.unimplemented));
  const cutter = new MessageCutter(100);
  const compressed = Uint8Array.of(1, 0, 0, 0, 1, 9);
  assert.throws(() => cutter.push(compressed, () => {}), status(grpcStatus.unimplemented));
});

test("T4.3: deadline 0 is DEADLINE_EXCEEDED, and an invalid one is a bad request", async (t) => {
  const client = await openEcho(t, (await startEcho(t)).port);
  const zero = { ...options, metadata: { "grpc-timeout": "0n" } };
  await assert.rejects(
    client.unary("/Echo/once", nothing, zero),
    status(grpcStatus.deadlineExceeded),
  );
  const odd = { ...options, metadata: { "grpc-timeout": "soon" } };
  await assert.rejects(
    client.unary("/Echo/once", nothing, odd),
    status(grpcStatus.invalidArgument),
  );
});

test("T4.3: metadata of 1 MB ends the call, not the server", async (t) => {
  const { port } = await startEcho(t);
  const session = connectHttp2(`http://127.0.0.1:${port}`, { maxSendHeaderBlockLength: 4 << 20 });
  t.after(() => session.destroy());
  session.on("error", () => {});
  const large = { ":method": "POST", ":path": "/Echo/once", "x-large": "a".repeat(1_000_000) };
  const stream = session.request(large);
  await new Promise<void>((resolve) => {
    stream.on("error", () => {});
    stream.on("response", () => assert.fail("it was answered"));
    stream.once("close", resolve);
  });
  assert.ok(await answers(t, port));
});

async function answers(t: Parameters<typeof openEcho>[0], port: number): Promise<boolean> {
  const client = await openEcho(t, port);
  return (await client.unary("/Echo/once", [Uint8Array.of(1)], options)).length === 1;
}

/** Resolves when the server has closed the connection. */
function closed(socket: Socket): Promise<void> {
  socket.resume();
  return new Promise((resolve) => {
    if (socket.destroyed) resolve();
    socket.once("close", () => resolve());
  });
}

/** `POST /Echo/never` with HPACK literals, no Huffman. */
function headersBlock(): Buffer {
  const literal = (name: string, value: string) =>
    Buffer.concat([
      Buffer.of(0, name.length),
      Buffer.from(name),
      Buffer.of(value.length),
      Buffer.from(value),
    ]);
  return Buffer.concat([
    Buffer.of(0x83, 0x86),
    literal(":path", "/Echo/never"),
    literal(":authority", "x"),
    literal("content-type", "application/grpc"),
  ]);
}

test("T4.3: rapid reset closes the connection", async (t) => {
  const { port } = await startEcho(t, { limits: { resetBurst: 50, resetsPerS: 10 } });
  const socket = await rawConnection(t, port);
  const end = closed(socket);
  const block = headersBlock();
  for (let stream = 1; stream < 2000; stream += 2) {
    socket.write(frame(1, 4, stream, block));
    socket.write(frame(3, 0, stream, Buffer.of(0, 0, 0, 8)));
  }
  await end;
  assert.ok(await answers(t, port));
});

test("T4.3: a CONTINUATION flood closes the connection", async (t) => {
  const { port } = await startEcho(t);
  const socket = await rawConnection(t, port);
  const end = closed(socket);
  socket.write(frame(1, 0, 1, headersBlock()));
  for (let i = 0; i < 2000; i++) socket.write(frame(9, 0, 1, Buffer.of(0, 1, 97, 1, 98)));
  await end;
  assert.ok(await answers(t, port));
});

test("T4.3: a ping flood closes the connection", async (t) => {
  const { port } = await startEcho(t, { limits: { pingsMax: 20 } });
  const socket = await rawConnection(t, port);
  const end = closed(socket);
  for (let i = 0; i < 100; i++) socket.write(frame(6, 0, 0, Buffer.alloc(8)));
  await end;
  assert.ok(await answers(t, port));
});

test("T4.3: streams beyond the limit of a connection are refused, memory stays", async (t) => {
  const { port } = await startEcho(t, { limits: { streamsMax: 16 } });
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  t.after(() => session.destroy());
  session.on("error", () => {});
  await new Promise((resolve) => session.once("remoteSettings", resolve));
  assert.equal(session.remoteSettings.maxConcurrentStreams, 16);
  const socket = await rawConnection(t, port);
  const refused = new Promise<void>((resolve) => {
    let seen = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      seen = Buffer.concat([seen, chunk]);
      // RST_STREAM with REFUSED_STREAM (7).
      if (seen.includes(Buffer.of(0, 0, 0, 7), 9)) resolve();
    });
    socket.once("close", () => resolve());
  });
  const before = process.memoryUsage().rss;
  for (let stream = 1; stream < 20_000; stream += 2) {
    socket.write(frame(1, 4, stream, headersBlock()));
  }
  await refused;
  assert.ok(process.memoryUsage().rss - before < 100e6);
  assert.ok(await answers(t, port));
});

test("T4.3: a request that never ends, and an idle connection, are given up", async (t) => {
  const { port } = await startEcho(t, { limits: { requestMs: 50, idleMs: 100 } });
  const slow = await rawConnection(t, port);
  const end = closed(slow);
  slow.write(frame(1, 4, 1, headersBlock()));
  slow.write(frame(0, 0, 1, Buffer.of(0, 0)));
  await end;
  const client = await openEcho(t, port);
  await client.closed;
  assert.ok(!client.isOpen);
});

test("a client that speaks no gRPC gets an HTTP answer", async (t) => {
  const { port } = await startEcho(t);
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  t.after(() => session.destroy());
  for (const [method, expected] of [
    ["GET", 405],
    ["POST", 415],
  ] as const) {
    const stream = session.request({ ":method": method, ":path": "/Echo/once" });
    stream.end();
    stream.resume();
    const status = await new Promise((resolve) => {
      stream.once("response", (headers) => resolve(headers[":status"]));
    });
    assert.equal(status, expected);
  }
});

test("a message is put together from any chunks", () => {
  const sent = [Buffer.from("one"), Buffer.alloc(0), Buffer.from("three")];
  const bytes = Buffer.concat(sent.flatMap((message) => [prefixOf([message]), message]));
  for (let size = 1; size <= bytes.length; size++) {
    const cutter = new MessageCutter(100);
    const got: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      cutter.push(bytes.subarray(at, at + size), (message) => got.push(message));
    }
    assert.deepEqual(
      got.map(String),
      sent.map((message) => String(new Uint8Array(message))),
    );
    assert.ok(cutter.isAtEdge);
  }
});

test("times and texts are written in gRPC's format", () => {
  const times = ["1H", "2M", "3S", "4m", "5u", "0n"].map((text) => parseTimeout(text));
  assert.deepEqual(times, [3_600_000, 120_000, 3000, 4, 0.005, 0]);
  assert.ok(Number.isNaN(parseTimeout("123456789S")));
  assert.equal(parseTimeout(undefined), null);
  assert.equal(timeoutText(1500), "1500m");
  assert.equal(timeoutText(1e9), "1000000S");
  assert.equal(encodeDetails("á%\n"), "%C3%A1%25%0A");
  assert.equal(decodeDetails(encodeDetails("ñ 100 % 日本")), "ñ 100 % 日本");
  assert.equal(decodeDetails("100 %"), "100 %");
});
