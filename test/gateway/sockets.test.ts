/** Hostile and broken WebSocket clients of a gateway lose only their own connection. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { allOf, closeCode, closed, frame, frameHead, opcodes, upgraded } from "./raw-socket.ts";
import { Client, pair, served } from "./served.ts";

const bytes = (text: string) => Buffer.from(text);

test("T5.6: 131,000 frames of one byte without an end close the connection", async (t) => {
  const { port } = await served(t);
  const { socket } = await upgraded(t, port);
  const all = allOf(socket);
  socket.write(frame(opcodes.text, bytes("{"), { fin: false }));
  const one = frame(opcodes.continuation, bytes(" "), { fin: false });
  socket.write(Buffer.concat(Array.from({ length: 131_000 }, () => one)));
  assert.equal(closeCode(await all), 1008);
});

test("T5.6: a frame that announces too large a length is refused before it arrives", async (t) => {
  const { port } = await served(t);
  const { socket } = await upgraded(t, port);
  const all = allOf(socket);
  socket.write(frameHead(opcodes.text, 4 * 1024 * 1024 + 1));
  assert.equal(closeCode(await all), 1009);
});

test("T5.6: a message of many frames is too large where their sum is", async (t) => {
  const { port } = await served(t);
  const { socket } = await upgraded(t, port);
  const all = allOf(socket);
  const part = Buffer.alloc(1024 * 1024, " ");
  socket.write(frame(opcodes.text, part, { fin: false }));
  for (let i = 0; i < 4; i++) {
    socket.write(frame(opcodes.continuation, part, { fin: false }));
  }
  assert.equal(closeCode(await all), 1009);
});

test("T5.6: compression is not offered, and a compressed frame is a broken one", async (t) => {
  const { port } = await served(t);
  const offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits";
  const { answer, socket } = await upgraded(t, port, [offer]);
  assert.match(answer, /^HTTP\/1\.1 101 /);
  assert.doesNotMatch(answer, /permessage-deflate/i);
  const all = allOf(socket);
  const isCompressed = 0x40;
  socket.write(frameHead(opcodes.text, 4, { reserved: isCompressed }));
  socket.write(bytes("bomb"));
  assert.equal(closeCode(await all), 1002);
});

test("T5.6: a binary frame closes with 1003", async (t) => {
  const { port } = await served(t);
  const { socket } = await upgraded(t, port);
  const all = allOf(socket);
  socket.write(frame(opcodes.binary, Buffer.from([1, 2, 3])));
  assert.equal(closeCode(await all), 1003);
});

test("text that is no UTF-8 closes with 1007", async (t) => {
  const { port } = await served(t);
  const { socket } = await upgraded(t, port);
  const all = allOf(socket);
  socket.write(frame(opcodes.text, Buffer.from([0xff, 0xfe])));
  assert.equal(closeCode(await all), 1007);
});

test("T5.6: a tab that reads nothing is cut off when its bound is reached", async (t) => {
  const { port } = await served(t);
  const tracker = await Client.open(t, port);
  tracker.say("tracker");
  const { socket } = await upgraded(t, port);
  socket.pause();
  const hello = '{"status":1,"message":"","action":"connect","data":{"speed":1}}';
  socket.write(frame(opcodes.text, bytes(hello)));
  const { uid } = (await tracker.next("connect")).data;
  const url = Array.from({ length: 100 }, (_, i) => `http://host/${"x".repeat(1_000)}/${i}`);
  for (let tid = 1; tid <= 400; tid++) tracker.say("task", { type: "r", uid, tid, url });
  assert.equal((await tracker.next("disconnect")).data.uid, uid);
});

test("T5.6: all connections together hold no more than they may: the largest go", async (t) => {
  const heldMaxBytes = 8 * 1024 * 1024;
  const { gateway, lines, port } = await served(t, { limits: { heldMaxBytes } });
  const small = await pair(t, port);
  const halves = await Promise.all(Array.from({ length: 8 }, () => upgraded(t, port)));
  const half = Buffer.alloc(2 * 1024 * 1024, " ");
  const ends = halves.map(({ socket }) => {
    socket.write(frameHead(opcodes.text, half.length + 1));
    socket.write(half);
    return closed(socket);
  });
  // Four of eight, and one more for what lies about them.
  await Promise.race(ends);
  const cut = () => lines.filter((line) => line.includes("disconnected")).length;
  assert.ok(cut() >= 4 && cut() <= 5, lines.join("\n"));
  assert.equal(gateway.tabCount, 1);
  small.browser.say("ping");
  await small.browser.next("pong");
});

test("T5.7: a flood of pongs closes the connection, one of pings cuts it", async (t) => {
  const { port } = await served(t);
  for (const opcode of [opcodes.pong, opcodes.ping]) {
    const { socket } = await upgraded(t, port);
    const all = allOf(socket);
    const one = frame(opcode, bytes("?"));
    socket.write(Buffer.concat(Array.from({ length: 200 }, () => one)));
    const code = closeCode(await all);
    if (opcode === opcodes.pong) assert.equal(code, 1008);
  }
});

test("T5.7: a ping of a client is answered, in both ways of asking", async (t) => {
  const { port } = await served(t);
  const client = await Client.open(t, port);
  client.say("connect", { speed: 1 });
  client.socket.ping("?");
  const [answer] = await once(client.socket, "pong");
  assert.equal(String(answer), "?");
  client.say("ping");
  await client.next("pong");
});

test("T5.7: a tab that never answers a ping is lost, one that does is not", async (t) => {
  const { port } = await served(t, { limits: { pingMs: 500, tabTtlMs: 3_000 } });
  const { browser: silent, tracker, uid } = await pair(t, port);
  const lively = await Client.open(t, port);
  lively.socket.on("message", (text) => {
    if (String(text).includes('"ping"')) lively.say("pong");
  });
  lively.say("connect", { speed: 1 });
  assert.equal((await tracker.next("disconnect")).data.uid, uid);
  assert.equal((await silent.closed).code, 1008);
  assert.equal(lively.socket.readyState, lively.socket.OPEN);
});

test("T5.7: a connection that never sends connect is closed", async (t) => {
  const { port } = await served(t, { limits: { helloTimeoutMs: 500 } });
  const client = await Client.open(t, port);
  assert.deepEqual(await client.closed, { code: 1008, reason: "it never sent a connect message" });
});

test("T5.8: speeds beyond what there is are clamped, and words are none", async (t) => {
  const { port } = await served(t);
  const tracker = await Client.open(t, port);
  tracker.say("tracker");
  for (const speed of [0, -1, 2 ** 31, 1e9]) {
    const browser = await Client.open(t, port);
    browser.say("connect", { speed });
    const told = (await tracker.next("connect")).data.speed as number;
    assert.ok(told >= 1 && told < 2 ** 31, `${speed} is passed on as ${told}`);
  }
  const browser = await Client.open(t, port);
  browser.say("connect", { speed: "fast" });
  assert.equal((await browser.next("error")).status, 0);
});

test("T5.1: a uid is below 2^53, a tid beyond 32 bits is refused", async (t) => {
  const { port } = await served(t);
  const { browser, tracker, uid } = await pair(t, port);
  assert.ok(Number.isSafeInteger(uid));
  tracker.raw(
    `{"status":1,"message":"","action":"task","data":{"type":"m","uid":${uid},` +
      '"tid":2147483648,"url":["http://h/"]}}',
  );
  assert.match((await tracker.next("error")).message, /tid/);
  tracker.say("task", { type: "m", uid, tid: 2 ** 31 - 1, url: ["http://h/"] });
  assert.equal((await browser.next("task")).data.tid, 2 ** 31 - 1);
});

test("T5.2: text of peers cannot move the cursor, and fills few lines", async (t) => {
  const { lines, port } = await served(t, { limits: { messagesPerS: 1_000 } });
  const { browser } = await pair(t, port);
  const evil = "\u001b[2J\u202e\r\nroot# ";
  for (let i = 0; i < 200; i++) {
    browser.raw(JSON.stringify({ status: 1, message: evil, action: "pong", data: {} }));
  }
  browser.say("ping");
  await browser.next("pong");
  assert.ok(lines.length > 5 && lines.length <= 40, `${lines.length} lines`);
  assert.ok(lines.some((line) => line.includes("root#")));
  assert.doesNotMatch(lines.join(""), /[\u0000-\u001f\u202e]/);
});

test("T5.5: a first message of a megabyte is refused, one of reason is not", async (t) => {
  const { port } = await served(t);
  const client = await Client.open(t, port);
  client.say("connect", { speed: 1, more: { name: "x".repeat(1024 * 1024) } });
  assert.match((await client.next("error")).message, /the first one/);
  client.say("connect", { speed: 1, more: { name: "x".repeat(1024) } });
  client.say("ping");
  await client.next("pong");
});
