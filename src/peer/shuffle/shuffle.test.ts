/** What a source of partitions lets through, tested call by call. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { GrpcClient } from "../../link/grpc/client.ts";
import { dial } from "../../link/grpc/dial.ts";
import { GrpcServer } from "../../link/grpc/server.ts";
import { waitMaxMs } from "../../store/testing/patience.ts";
import { decode, encode, fileBytesOf } from "../../wire/p4/data.ts";
import * as shuffle from "../../wire/p4/shuffle.ts";
import { refuserFor } from "../addresses.ts";
import { defaultListenerLimits, openListener } from "../listener.ts";
import { noise, scratch } from "../testing/peers.ts";
import { Beside, besideMax, type Connection } from "./beside.ts";
import { ShuffleClient } from "./client.ts";
import { type JobKey, ShuffleService } from "./service.ts";
import { parseTicket, proofOf, sourceKey, ticketText } from "./ticket.ts";

const key = sourceKey("secret of the job", "w-1");
const scope = { job: "j-1", stage: 0, requester: "w-2", expiresMs: 2_000 };
const content = noise(3 * 1024 * 1024 + 5);
const limits = { limitMs: waitMaxMs, answerMaxBytes: shuffle.shuffleMaxBytes.part };

type Source = { readonly port: number; judge: JobKey | null; close(): Promise<void> };

async function source(t: TestContext): Promise<Source> {
  const path = join(scratch(t), "run");
  writeFileSync(path, content);
  const judge: JobKey = { key, nowMs: 1_000 };
  const self: Source = { port: 0, judge, close: () => listener.close() };
  const service = new ShuffleService({
    keyOf: (job) => (job === "j-1" ? self.judge : null),
    find: async (ref, part) =>
      ref.task === 0 ? { path, offset: part, sizeBytes: content.length - part } : null,
  });
  const onBroken = (error: unknown) => assert.fail(error as Error);
  const grpc = new GrpcServer({ methods: service.methods(), onBroken });
  const at = { host: "127.0.0.1", port: 0 };
  const listener = await openListener({ ...defaultListenerLimits, ...at, grpc, other: null });
  t.after(() => listener.close());
  return Object.assign(self, { port: listener.port });
}

async function connected(t: TestContext, { port }: Source) {
  const host = "127.0.0.1";
  const options = { host, port, fingerprint: "", refuse: () => null, limitMs: waitMaxMs };
  const client = new GrpcClient(await dial(options), `${host}:${port}`);
  t.after(() => client.close());
  const ask = (path: string, parts: readonly Uint8Array[]) => client.unary(path, parts, limits);
  const { challenge, open, read } = shuffle.shufflePaths;
  return {
    challenge: async () => decode(shuffle.challengeAnswer, await ask(challenge, [])).challenge,
    open: async (asked: shuffle.OpenStageRequest) => {
      const answer = await ask(open, [encode(shuffle.openStageRequest, asked, 1024)]);
      return decode(shuffle.openStageAnswer, answer).session;
    },
    read: async (session: Uint8Array) => {
      const request = { session, task: 0, attempt: 1, part: content.length - 1 };
      const bytes = encode(shuffle.readPartRequest, request, 1024);
      return fileBytesOf(await ask(read, [bytes]), 1024);
    },
  };
}

function shown(challenge: Uint8Array, over: Partial<typeof scope> = {}) {
  const { secret } = parseTicket(ticketText(key, { ...scope, ...over }))!;
  return { ...scope, ...over, challenge, proof: proofOf(secret, challenge) };
}

const refused = { code: "unauthenticated" };

test("I13: a proof is valid once, and on its connection only", async (t) => {
  const from = await source(t);
  const [one, two] = [await connected(t, from), await connected(t, from)];
  const proof = shown(await one.challenge());
  await assert.rejects(two.open(proof), refused, "what an eavesdropper reads opens nothing");
  const session = await one.open(proof);
  assert.equal((await one.read(session)).length, 1);
  await assert.rejects(one.open(proof), refused, "replayed");
  await assert.rejects(two.read(session), refused, "the session of another connection");
  await assert.rejects(two.open(shown(new Uint8Array(32))), refused, "a challenge of its own");
});

test("F5: tickets and sessions end with the ticket's time, and with the job", async (t) => {
  const from = await source(t);
  const peer = await connected(t, from);
  const over = shown(await peer.challenge(), { expiresMs: 1_000 });
  await assert.rejects(peer.open(over), refused);
  const session = await peer.open(shown(await peer.challenge()));
  from.judge = { key, nowMs: 2_000 };
  await assert.rejects(peer.read(session), refused);
  from.judge = { key, nowMs: 1_500 };
  assert.equal((await peer.read(session)).length, 1);
  from.judge = null;
  await assert.rejects(peer.read(session), refused);
  await assert.rejects(peer.open(shown(await peer.challenge())), refused);
});

/** A line to a port, whose bytes take so long in each direction; counts its connections. */
async function farLine(t: TestContext, port: number, delayMs: number) {
  const line = { port: 0, connections: 0 };
  const later = (one: Socket, other: Socket) => {
    one.on("data", (bytes) => setTimeout(() => other.write(bytes), delayMs));
    one.on("error", () => {}).on("close", () => other.destroy());
  };
  const server = createServer((one) => {
    line.connections++;
    const other = connect(port, "127.0.0.1");
    later(one, other);
    later(other, one);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return Object.assign(line, { port: (server.address() as AddressInfo).port });
}

test("content of several messages arrives whole, many parts at once", async (t) => {
  await readsAll(t, (await source(t)).port);
});

test("content of a source that is far comes over a few connections", async (t) => {
  const { port } = await source(t);
  const far = await farLine(t, port, 20);
  await readsAll(t, far.port, 12);
  assert.equal(far.connections, 1 + besideMax);
  const near = await farLine(t, port, 0);
  // On a busy machine a near one may seem far: then it is no worse than that.
  await readsAll(t, near.port, 12);
  assert.ok(near.connections <= 1 + besideMax);
});

test("connections beside the first are for far sources, few, and share the reads", async () => {
  const made = (reads: number, roundTripMs: number, isOpen = true) => {
    const { promise: closed } = Promise.withResolvers<void>();
    const client = { isOpen, closed, close() {} } as unknown as GrpcClient;
    return { client, sessions: new Map(), reads, roundTripMs } satisfies Connection;
  };
  const beside = new Beside();
  let asked = 0;
  const make = async () => {
    asked++;
    return made(asked, 1, asked !== 1);
  };
  const near = made(3, 1);
  beside.widen("a", near, make);
  assert.equal(asked, 0);
  const far = made(3, 80);
  beside.widen("a", far, make);
  beside.widen("a", far, make);
  assert.equal(asked, besideMax);
  assert.equal(beside.pick("a", far), far);
  await new Promise(setImmediate);
  // The one with one read is closed.
  assert.equal(beside.pick("a", far).reads, 2);
  assert.equal(beside.pick("b", near), near);
  for (let n = 0; n < 100; n++) beside.widen(`c${n}`, far, make);
  assert.equal(asked, 32);
  const other = new Beside();
  other.widen("a", far, () => Promise.reject(new Error("refused")));
  await new Promise(setImmediate);
  assert.equal(other.pick("a", far), far);
});

async function readsAll(t: TestContext, port: number, count = 40): Promise<void> {
  const client = new ShuffleClient(() => null, { connectMs: waitMaxMs, idleMs: waitMaxMs });
  t.after(() => client.close());
  const from = {
    address: `grpc://127.0.0.1:${port}`,
    ticket: ticketText(key, scope),
    job: "j-1",
    stage: 0,
  };
  const read = async (part: number) => {
    const chunks: Buffer[] = [];
    const options = { limitMs: waitMaxMs, signal: new AbortController().signal };
    for await (const chunk of client.read(from, { task: 0, attempt: 1, part }, options)) {
      chunks.push(Buffer.from(chunk));
    }
    return Buffer.concat(chunks);
  };
  const all = await Promise.all(Array.from({ length: count }, (_, part) => read(part)));
  for (const [part, bytes] of all.entries()) assert.ok(bytes.equals(content.subarray(part + 1)));
}

test("connections to unreachable or closed sources are not kept", async (t) => {
  const self = await source(t);
  const client = new ShuffleClient(() => null, { connectMs: waitMaxMs, idleMs: waitMaxMs });
  t.after(() => client.close());
  const read = async (port: number) => {
    const from = { address: `grpc://127.0.0.1:${port}`, ticket: ticketText(key, scope) };
    const wanted = { task: 0, attempt: 1, part: content.length - 1 };
    const options = { limitMs: waitMaxMs, signal: AbortSignal.timeout(waitMaxMs) };
    const chunks = client.read({ ...from, job: "j-1", stage: 0 }, wanted, options);
    for await (const chunk of chunks) assert.equal(chunk.length, 1);
  };
  await assert.rejects(read(1), { code: "unavailable" });
  assert.equal(client.sourceCount, 0);
  await read(self.port);
  assert.equal(client.sourceCount, 1);
  await self.close();
  while (client.sourceCount > 0) await new Promise((resolve) => setImmediate(resolve));
});

test("F3: an address of the cloud's own services is not dialled", async () => {
  const client = new ShuffleClient(refuserFor("machine"), { connectMs: 1_000, idleMs: 1_000 });
  for (const address of ["grpc://169.254.169.254:80", "grpc://[::ffff:169.254.169.254]:80"]) {
    const from = { address, ticket: ticketText(key, scope), job: "j-1", stage: 0 };
    const options = { limitMs: waitMaxMs, signal: new AbortController().signal };
    const wanted = { task: 0, attempt: 1, part: 0 };
    await assert.rejects(client.read(from, wanted, options).next(), { code: "forbidden" });
  }
});

test("addresses of exchanges read back, and nothing else is one", () => {
  const pin = "ab".repeat(32);
  for (const text of ["grpc://127.0.0.1:1", `grpcs://[::1]:65535/${pin}`, `grpcs://a.b:9/${pin}`]) {
    assert.equal(shuffle.exchangeText(shuffle.parseExchange(text)!), text);
  }
  const wrong = ["", "http://a:1", "grpc://a", "grpc://a:0", "grpc://a:1/", "grpcs://a:1/ab"];
  for (const text of wrong) assert.equal(shuffle.parseExchange(text), null, text);
});

test("N8: an address that answers nothing is waited for once, then tried beside", async (t) => {
  let connections = 0;
  const silent = createServer((socket) => {
    connections++;
    t.after(() => socket.destroy());
  });
  t.after(() => silent.close());
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  const fingerprint = "0".repeat(64);
  const address = shuffle.exchangeText({ host: "127.0.0.1", port, fingerprint });
  const client = new ShuffleClient(() => null, { connectMs: 60, idleMs: 1_000 });
  t.after(() => client.close());
  const read = async () => {
    const from = { address, ticket: "", job: "j-1", stage: 0 };
    const options = { limitMs: 1_000, signal: new AbortController().signal };
    for await (const _ of client.read(from, { task: 0, attempt: 1, part: 0 }, options));
  };
  assert.equal(await client.isNear(address, 1), false);
  await assert.rejects(read(), { code: "unavailable", message: /no peer answers/ });
  await assert.rejects(read(), { code: "unavailable", message: /could not be reached lately/ });
  assert.equal(await client.isNear(address, 10_000), false);
  assert.ok(connections <= 1, `${connections} dials`);
});
