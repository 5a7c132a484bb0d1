/** T4.1, T4.2, T4.4 and F12 over HTTP: missing rights, malformed requests, and time. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import { waitMaxMs } from "../../../store/testing/patience.ts";
import { exchange, p4Alone, p4Opened, parse } from "../../members/testing/p4-client.ts";
import { p4Routes } from "./calls.ts";

test("T4.1: callers without a token cannot register, list, or disconnect others", async (t) => {
  const { client } = await p4Alone(t);
  const body = { client_id: "a", ip: "127.0.0.1", port: 1 };
  const answers = [
    await client.post("/register", { ...body, genericToken: "" }),
    await client.post("/register", { ...body, genericToken: "secre" }),
    await client.post("/register", { ...body, genericToken: `mrt_join_x_${"0".repeat(72)}` }),
  ];
  for (const said of answers) {
    assert.deepEqual([said.status, said.json], [401, { message: "Invalid token" }]);
  }
  const early = await client.post("/files", { token: "a", files: {} });
  assert.deepEqual([early.status, early.json], [404, { message: "Peer not found" }]);
  const a = await client.peer("a");
  for (const token of ["a", a.slice(0, -1), `${a}0`, a.toUpperCase()]) {
    assert.equal((await client.post("/unregister", { token })).status, 404);
  }
  assert.equal((await client.post("/heartbeat", { token: a })).status, 200);
});

test("T4.1: without a configured token nothing but a cluster token registers", async (t) => {
  const { cluster, own } = await p4Opened(t, { genericToken: null });
  const body = { client_id: "a", ip: "127.0.0.1", port: 1, genericToken: "secret" };
  assert.equal((await own.post("/register", body)).status, 401);
  const { token } = await cluster.token("submitter", "ann");
  assert.equal((await own.post("/register", { ...body, genericToken: token })).status, 200);
});

test("T4.1: an address that guesses tokens is throttled", async (t) => {
  const { client } = await p4Alone(t, { limits: { failuresMax: 3 } });
  const statuses: number[] = [];
  for (let n = 0; n < 5; n++) {
    statuses.push((await client.post("/heartbeat", { token: `guess-${n}` })).status);
  }
  assert.deepEqual(statuses, [404, 404, 404, 429, 429]);
});

test("T4.2: every path accepts its own methods, and unknown paths are not found", async (t) => {
  const { own, main } = await p4Opened(t);
  const methods = ["GET", "POST", "PUT", "HEAD", "DELETE", "PATCH", "OPTIONS", "TRACE"];
  for (const client of [own, main]) {
    for (const { path, methods: taken } of p4Routes) {
      for (const method of methods) {
        const said = await client.ask(method, path, method === "HEAD" ? undefined : {});
        const isTaken = (taken as readonly string[]).includes(method);
        assert.equal(said.status, isTaken ? 400 : 405, `${method} ${path}: ${said.text}`);
        if (!isTaken) assert.equal(said.headers.allow, taken.join(", "));
      }
    }
    for (const path of ["/", "/nothing", "/register/", "/Register", "/files/x", "/%72egister"]) {
      assert.equal((await client.ask("POST", path, {})).status, 404, path);
    }
    assert.equal((await client.ask("POST", "/openapi.json", {})).status, 405);
  }
});

test("T4.2: wrong types, doubled headers, other methods, web pages are refused", async (t) => {
  const { client } = await p4Alone(t);
  const token = await client.peer("a");
  const body = { token };
  const refused: ReadonlyArray<readonly [number, Record<string, string>]> = [
    [415, { "Content-Type": "text/plain" }],
    [415, { "Content-Type": "application/x-www-form-urlencoded" }],
    [415, { "Content-Type": "application/jsonx" }],
    [415, { "Content-Encoding": "gzip" }],
    [400, { "content-type": "application/json" }],
    [400, { host: "evil" }],
    [400, { "X-HTTP-Method-Override": "DELETE" }],
    [403, { Origin: "https://evil.example" }],
    [403, { Origin: "null" }],
    [403, { "Sec-Fetch-Site": "same-origin" }],
    [400, { "content-length": "3" }],
    [400, { "Transfer-Encoding": "chunked" }],
    [400, { "Transfer-Encoding": "xchunked" }],
  ];
  for (const [status, headers] of refused) {
    const said = await client.ask("POST", "/heartbeat", body, { headers });
    assert.equal(said.status, status, JSON.stringify(headers));
  }
  for (const type of ["application/json; charset=utf-8", "APPLICATION/JSON", "a"]) {
    const headers: Record<string, string> = type === "a" ? {} : { "Content-Type": type };
    const said = await client.ask("POST", "/heartbeat", body, { headers });
    assert.equal(said.status, 200, type);
  }
  const raw = JSON.stringify(body);
  const length = raw.length;
  const bare = `POST /heartbeat HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n${raw}`;
  const untyped = await exchange(client.port, [
    bare.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"),
  ]);
  assert.equal(parse(untyped).status, 200, "existing scripts send no type");
});

test("T4.2: a request hidden in the body of another is never answered", async (t) => {
  const { client } = await p4Alone(t);
  const hidden = "POST /register HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
  for (const lengths of [
    "Content-Length: 0\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nContent-Length: 5",
    "Transfer-Encoding: chunked, identity",
    "Transfer-Encoding : chunked",
    "Content-Length: 5\r\nContent-Length: 6",
    "Content-Length: +5",
  ]) {
    const head = `POST /heartbeat HTTP/1.1\r\nHost: x\r\n${lengths}\r\n\r\n`;
    const received = await exchange(client.port, [`${head}0\r\n\r\n${hidden}`]);
    assert.equal(received.match(/HTTP\/1\.1/g)?.length, 1, `${lengths}: ${received}`);
    assert.match(received, /^HTTP\/1\.1 400/, lengths);
  }
});

test("T4.2: bodies that are not a JSON object are invalid requests", async (t) => {
  const { client } = await p4Alone(t);
  for (const raw of ["", "{", "[]", "null", "7", '"token"', '{"token":7}', "\u0000", "{}{}"]) {
    const said = await client.ask("GET", "/get_files", undefined, { raw });
    assert.deepEqual([said.status, said.json], [400, { message: "Invalid request" }], raw);
  }
});

test("T4.2: a chunked body of a gigabyte is cut off after a few kilobytes", async (t) => {
  const { client } = await p4Alone(t);
  const { received, sentBytes } = await flood(client.port, 1024 ** 3);
  assert.equal(parse(received).status, 413, received);
  assert.ok(sentBytes < 32 * 1024 ** 2, `${sentBytes} bytes were accepted`);
});

test("T4.2: all bodies together have a bound, and a slow one a time limit", async (t) => {
  const { client } = await p4Alone(t, {
    limits: { bodiesMaxBytes: 100, bodyTimeoutMs: 50 },
  });
  const token = "x".repeat(200);
  assert.equal((await client.post("/heartbeat", { token })).status, 503);
  const head = "POST /heartbeat HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n";
  assert.equal(await exchange(client.port, [head, '{"t']), "", "the connection is closed");
});

test("T4.2: a client that does not read its answer is cut off, and delays no other", async (t) => {
  // A busy machine may have cut it off before it is asked whether the place is held.
  let callTimeoutMs = 1_000;
  while (!(await isHeldByUnread(t, callTimeoutMs))) {
    callTimeoutMs *= 4;
    assert.ok(callTimeoutMs < waitMaxMs, "it holds the only place");
  }
});

/** Whether the client was seen to hold the only place; it is cut off in any case. */
async function isHeldByUnread(t: TestContext, callTimeoutMs: number): Promise<boolean> {
  const { client, members } = await p4Alone(t, { limits: { callTimeoutMs, callsMax: 1 } });
  const token = await client.peer("a");
  const entry = { description: "", root: null, sizeBytes: null };
  const name = (n: number) => `${n}`.padStart(100, "x");
  const files = Array.from({ length: 100_000 }, (_, n) => ({ name: name(n), ...entry }));
  await members.publish("a", files, "replace");
  const socket = connect({ host: "127.0.0.1", port: client.port });
  const body = JSON.stringify({ token });
  socket.on("error", () => {});
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.write(
    `GET /get_files HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  const [head] = await once(socket, "readable");
  assert.equal(head, undefined);
  let { status } = await client.post("/heartbeat", { token });
  const isHeld = status === 503;
  while (status === 503) ({ status } = await client.post("/heartbeat", { token }));
  assert.equal(status, 200);
  socket.resume();
  await closed;
  return isHeld;
}

test("T4.4: over HTTP too, a peer is there until its TTL, and gone from then on", async (t) => {
  const { client, timers } = await p4Alone(t);
  const a = await client.peer("a", { ttl_s: 10 });
  const b = await client.peer("b", { ttl_s: 3_600 });
  await client.post("/add_file", { token: a, file_name: "x" });
  timers.pass(9_999);
  assert.deepEqual((await client.post("/get_files", { token: b })).json, { files: ["x"] });
  assert.equal((await client.post("/get_file", { token: b, file_name: "x" })).status, 200);
  timers.pass(1);
  assert.deepEqual((await client.post("/get_files", { token: b })).json, { files: [] });
  assert.equal((await client.post("/get_file", { token: b, file_name: "x" })).status, 404);
  assert.equal((await client.post("/heartbeat", { token: a })).status, 404);
  assert.notEqual(await client.peer("a", { ttl_s: 10 }), a);
});

test("T4.4: any call of a peer that promised no heartbeats is a sign of life", async (t) => {
  const { client, timers } = await p4Alone(t);
  const token = await client.peer("a");
  for (const [path, body] of [
    ["/get_files", {}],
    ["/add_file", { file_name: "x" }],
    ["/get_file", { file_name: "x" }],
    ["/redeem", { ticket: "x" }],
  ] as const) {
    timers.pass(3_599_999);
    assert.notEqual((await client.post(path, { token, ...body })).status, 404, path);
  }
  timers.pass(3_600_000);
  assert.equal((await client.post("/get_files", { token })).status, 404);
});

test("F12: a request for a file of a peer that has gone gets another source", async (t) => {
  const { client, timers } = await p4Alone(t);
  const a = await client.peer("a", { ttl_s: 10, port: 1 });
  const b = await client.peer("b", { ttl_s: 3_600, port: 2 });
  for (const token of [a, b]) await client.post("/add_file", { token, file_name: "x" });
  const sources = async () => {
    const { json } = await client.post("/get_file", { token: b, file_name: "x" });
    return [json.file_address, (json.sources as unknown[]).length];
  };
  assert.deepEqual(await sources(), ["grpc://127.0.0.1:1/x", 2]);
  timers.pass(10_000);
  assert.deepEqual(await sources(), ["grpc://127.0.0.1:2/x", 1]);
});

test("peers, their tokens and files are there again after a restart", async (t) => {
  const first = await p4Opened(t);
  const token = await first.own.peer("a");
  await first.own.post("/add_file", { token, file_name: "x" });
  const { dataDir } = first.cluster;
  await first.cluster.coordinator.close();
  const { own } = await p4Opened(t, {}, dataDir);
  assert.deepEqual((await own.post("/get_files", { token })).json, { files: ["x"] });
});

/** Sends chunks until the server closes. */
function flood(port: number, sizeBytes: number): Promise<{ received: string; sentBytes: number }> {
  const { promise, resolve } = Promise.withResolvers<{ received: string; sentBytes: number }>();
  const socket = connect({ host: "127.0.0.1", port });
  const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
  let received = "";
  let sentBytes = 0;
  let ended = false;
  const send = () => {
    while (!ended && sentBytes < sizeBytes) {
      sentBytes += chunk.length;
      if (!socket.write(chunk)) return;
    }
    if (!ended) socket.end("0\r\n\r\n");
  };
  socket.setEncoding("utf8").on("data", (text) => {
    received += text;
  });
  socket.on("drain", send).on("error", () => {});
  socket.on("close", () => {
    ended = true;
    resolve({ received, sentBytes });
  });
  socket.write("POST /heartbeat HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  send();
  return promise;
}
