/** What a peer lets through: tickets, sessions, names, changed files; an independent gRPC client
 *  plays the existing peers. */
import assert from "node:assert/strict";
import { appendFileSync, writeFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { ClusterError } from "../../core/error.ts";
import { GrpcClient } from "../../link/grpc/client.ts";
import { dial } from "../../link/grpc/dial.ts";
import { grpcStatus } from "../../link/grpc/status.ts";
import { waitMaxMs } from "../../store/testing/patience.ts";
import * as data from "../../wire/p4/data.ts";
import { rootBytesOf } from "../../wire/p4/merkle.ts";
import { PeerConnection } from "../fetch/connection.ts";
import { linkSecret, noise, scratch, shelve, startPeer } from "../testing/peers.ts";
import type { Redeem } from "./admission.ts";

const same = (bytes: Buffer) => bytes;

/** `/Greeter/getFile` as an existing client calls it; with metadata when a ticket is given. */
function getFile(
  t: TestContext,
  of: { readonly port: number; readonly name: string; readonly ticket?: string },
): Promise<Buffer> {
  const client = new Client(`127.0.0.1:${of.port}`, credentials.createInsecure());
  t.after(() => client.close());
  const request = Buffer.from(data.encode(data.fileRequest, { filePath: of.name }, 5000));
  const metadata = new Metadata();
  if (of.ticket !== undefined) metadata.set("authorization", `Bearer ${of.ticket}`);
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(data.paths.getFile, same, same, request, metadata, (error, answer) =>
      error === null ? resolve(answer!) : reject(error),
    );
  });
}

/** A master with one ticket, good once. */
function ticketMaster(of: { readonly fileName: string; readonly root: string }): Redeem {
  const left = new Set(["good"]);
  return async (ticket) => {
    if (!left.delete(ticket)) throw new ClusterError("unauthenticated", "the master refuses it");
    return { ...of, requester: "ana" };
  };
}

function connect(t: TestContext, port: number): Promise<PeerConnection> {
  const address = { host: "127.0.0.1", port, fingerprint: "" };
  const limits = { connectMs: waitMaxMs, answerMs: waitMaxMs };
  return PeerConnection.connect(address, { refuse: () => null }, limits).then((connection) => {
    t.after(() => connection.close());
    return connection;
  });
}

const whole = (root: string) => ({ fileName: "", root: rootBytesOf(root)! });

test("an existing client gets a file by getFile, with a ticket", async (t) => {
  const dir = scratch(t);
  let redeem: Redeem | null = null;
  const peer = await startPeer(t, { admission: { redeem: () => redeem } });
  const bytes = noise(100_000);
  const { root } = await shelve(peer, "dir/f.bin", { dir, bytes });
  redeem = ticketMaster({ fileName: "dir/f.bin", root });
  const answer = await getFile(t, { port: peer.port, name: "dir/f.bin", ticket: "good" });
  assert.ok(bytes.equals(data.fileBytesOf(answer, 1e6)));
  assert.deepEqual(peer.broken, []);
});

test("no ticket, or a wrong one, is UNAUTHENTICATED unless callers may be anonymous", async (t) => {
  const dir = scratch(t);
  const closed = await startPeer(t);
  const open = await startPeer(t, { admission: { allowsAnonymous: true } });
  for (const peer of [closed, open]) await shelve(peer, "f", { dir, bytes: noise(10) });
  const port = closed.port;
  await assert.rejects(getFile(t, { port, name: "f" }), { code: status.UNAUTHENTICATED });
  await assert.rejects(getFile(t, { port, name: "f", ticket: "x" }), {
    code: status.UNAUTHENTICATED,
  });
  await assert.rejects(getFile(t, { port, name: "no-such-file" }), {
    code: status.UNAUTHENTICATED,
  });
  assert.equal((await getFile(t, { port: open.port, name: "f" })).length, 12);
  await assert.rejects(getFile(t, { port: open.port, name: "g" }), (error: ServiceError) => {
    assert.deepEqual([error.code, error.details], [status.NOT_FOUND, "File not found"]);
    return true;
  });
});

test("getFile above 4 MiB is RESOURCE_EXHAUSTED and says what to use instead", async (t) => {
  const dir = scratch(t);
  const peer = await startPeer(t);
  const limit = 4 * 1024 * 1024;
  await shelve(peer, "large", { dir, bytes: noise(5_000_000) });
  await shelve(peer, "just", { dir, bytes: noise(limit - 16) });
  const ask = { port: peer.port, ticket: linkSecret };
  await assert.rejects(getFile(t, { ...ask, name: "large" }), (error: ServiceError) => {
    assert.equal(error.code, status.RESOURCE_EXHAUSTED);
    assert.match(error.details, /5000000 bytes.*service Files/);
    return true;
  });
  assert.ok((await getFile(t, { ...ask, name: "just" })).length <= limit);
});

test("F4: a master that is down makes UNAVAILABLE, and no byte leaves", async (t) => {
  const dir = scratch(t);
  let sent = 0;
  const peer = await startPeer(t, {
    admission: {
      redeem: () => async () => {
        throw new ClusterError("unavailable", "the master cannot be asked now; ask again");
      },
    },
    service: { onSent: () => sent++ },
  });
  const { root } = await shelve(peer, "f", { dir, bytes: noise(10) });
  await assert.rejects(getFile(t, { port: peer.port, name: "f", ticket: "good" }), {
    code: status.UNAVAILABLE,
  });
  const connection = await connect(t, peer.port);
  await assert.rejects(connection.open(whole(root), "good"), { status: grpcStatus.unavailable });
  assert.equal(sent, 0);
});

test("F5: a replayed ticket, or one for another file, is UNAUTHENTICATED", async (t) => {
  const dir = scratch(t);
  let redeem: Redeem | null = null;
  const peer = await startPeer(t, { admission: { redeem: () => redeem } });
  const { root } = await shelve(peer, "f", { dir, bytes: noise(10) });
  const other = await shelve(peer, "g", { dir, bytes: noise(11) });
  const connection = await connect(t, peer.port);
  redeem = ticketMaster({ fileName: "f", root });
  assert.equal((await connection.open(whole(root), "good")).fileName, "f");
  await assert.rejects(connection.open(whole(root), "good"), {
    status: grpcStatus.unauthenticated,
  });
  redeem = ticketMaster({ fileName: "f", root });
  await assert.rejects(connection.open(whole(other.root), "good"), /for another file/);
  redeem = ticketMaster({ fileName: "f", root });
  const byName = { fileName: "g", root: new Uint8Array(0) };
  await assert.rejects(connection.open(byName, "good"), /for another file/);
  redeem = ticketMaster({ fileName: "f", root: other.root });
  const name = { fileName: "f", root: new Uint8Array(0) };
  await assert.rejects(connection.open(name, "good"), /f has changed at its owner/);
  // The ticket is for the file as it is now, the request for what it was before.
  redeem = ticketMaster({ fileName: "f", root });
  const before = whole("0".repeat(64));
  await assert.rejects(connection.open(before, "good"), {
    status: grpcStatus.unauthenticated,
    message: /f has changed at its owner meanwhile; request it again by its name/,
  });
});

test("F5: a session is invalid on another connection", async (t) => {
  const dir = scratch(t);
  const peer = await startPeer(t);
  const { root } = await shelve(peer, "f", { dir, bytes: noise(10) });
  const first = await connect(t, peer.port);
  const { session } = await first.open(whole(root), linkSecret);
  const second = await connect(t, peer.port);
  await assert.rejects(second.again(session), { status: grpcStatus.unauthenticated });
  await first.again(session);
});

test("F5: a session is invalid after its time", async (t) => {
  const dir = scratch(t);
  const sessionMs = 1;
  const peer = await startPeer(t, { service: { limits: { sessionMs } } });
  const { root } = await shelve(peer, "f", { dir, bytes: noise(10) });
  const connection = await connect(t, peer.port);
  const { session } = await connection.open(whole(root), linkSecret);
  const until = performance.now() + sessionMs + 1;
  while (performance.now() < until) await new Promise(setImmediate);
  await assert.rejects(connection.again(session), { status: grpcStatus.unauthenticated });
});

test("F6: only published names are served, whatever path is asked for", async (t) => {
  const dir = scratch(t);
  const peer = await startPeer(t, { admission: { allowsAnonymous: true } });
  const { path } = await shelve(peer, "f", { dir, bytes: noise(10) });
  for (const name of ["../f", path, "./f", "/etc/passwd", "", "f/", "f\0", "F", "__proto__"]) {
    await assert.rejects(getFile(t, { port: peer.port, name }), { code: status.NOT_FOUND }, name);
  }
});

test("a changed file is never served under its old root", async (t) => {
  const dir = scratch(t);
  const peer = await startPeer(t);
  const { root, path } = await shelve(peer, "f", { dir, bytes: noise(50_000) });
  const connection = await connect(t, peer.port);
  const { session } = await connection.open(whole(root), linkSecret);
  appendFileSync(path, "more");
  await assert.rejects(readPieces(t, peer.port, session), /unauthenticated/);
  await assert.rejects(connection.again(session), { status: grpcStatus.dataLoss });
  await assert.rejects(connection.open(whole(root), linkSecret), { status: grpcStatus.notFound });
});

/** Asks for the first two pieces on a connection of its own. */
async function readPieces(t: TestContext, port: number, session: Uint8Array): Promise<number> {
  const options = {
    host: "127.0.0.1",
    port,
    fingerprint: "",
    refuse: () => null,
    limitMs: waitMaxMs,
  };
  const client = new GrpcClient(await dial(options), `127.0.0.1:${port}`);
  t.after(() => client.close());
  const request = { session, runs: [{ first: 0, count: 2 }] };
  const bytes = data.encode(data.readRequest, request, 1000);
  let count = 0;
  const call = { limitMs: waitMaxMs, answerMaxBytes: data.messageMaxBytes.readAnswer };
  for await (const _ of client.stream(data.paths.read, [bytes], call)) count += 1;
  return count;
}

test("a file that is rewritten with its old size and times is caught by its hash", async (t) => {
  const dir = scratch(t);
  const peer = await startPeer(t);
  const { root, path } = await shelve(peer, "f", { dir, bytes: noise(50_000) });
  const content = peer.shelf.rooted(root)!;
  const { file } = content as unknown as { file: { stamp: object } };
  writeFileSync(path, noise(50_000, 2));
  // As if the change had not shown in size and times: it was hashed a moment before.
  const { stampOf } = await import("./stamp.ts");
  Object.assign(file.stamp, stampOf(path));
  await assert.rejects(content.read(0, new Uint8Array(16_384)), /has changed/);
  assert.equal(peer.shelf.rooted(root), null);
});

test("a file that changes under its readers gives them no byte of its new content", async (t) => {
  const dir = scratch(t);
  const peer = await startPeer(t);
  const { root, path } = await shelve(peer, "f", { dir, bytes: noise(50_000) });
  const content = peer.shelf.rooted(root)!;
  // As if it had not changed for long when it was hashed: its pieces are not hashed again.
  Object.assign(content, { isInDoubt: false });
  await content.read(0, new Uint8Array(16_384));
  writeFileSync(path, noise(50_000, 2));
  await assert.rejects(content.read(16_384, new Uint8Array(16_384)), /data-lost.*has changed/);
  assert.equal(peer.shelf.rooted(root), null);
});

test("runs beyond the file are refused", async (t) => {
  const dir = scratch(t);
  const peer = await startPeer(t);
  const { root } = await shelve(peer, "f", { dir, bytes: noise(50_000) });
  const connection = await connect(t, peer.port);
  const { session } = await connection.open(whole(root), linkSecret);
  for (const run of [
    { first: 4, count: 1 },
    { first: 0, count: 5 },
    { first: 2 ** 52, count: 2 },
    { first: 0, count: 0 },
  ]) {
    const options = {
      allocate: (length: number) => new Uint8Array(length),
      signal: AbortSignal.timeout(waitMaxMs),
      limitMs: waitMaxMs,
    };
    await assert.rejects(connection.read({ session, runs: [run] }, options).next(), /has 4 pieces/);
  }
});
