/** What an eavesdropper between members sees, and which peers are dialled in the clear at all: real
 *  peers and a real coordinator, with a tap in between. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { p4Opened } from "../coordinator/members/testing/p4-client.ts";
import { fingerprint, selfSigned } from "../link/tls/self-signed.ts";
import { waitMaxMs } from "../store/testing/patience.ts";
import { type DialRules, PeerConnection } from "./fetch/connection.ts";
import { Fetcher } from "./fetch/fetcher.ts";
import type { Source } from "./found.ts";
import { SharedInputs } from "./input/shared-input.ts";
import { MasterCalls } from "./master/call.ts";
import { Membership } from "./master/membership.ts";
import { Catalogue } from "./master/sources.ts";
import { Sharing, type SharingOptions } from "./share/sharing.ts";
import { noise, scratch, shelve, startPeer, testPool } from "./testing/peers.ts";
import { openTap, type Tap } from "./testing/tap.ts";

after(() => testPool.close());

const certificate = selfSigned(["peer"], Date.now());
const pin = fingerprint(certificate.cert);
const wrongPin = "ab".repeat(32);
const name = "the-name-of-the-file.txt";
const marker = "secret between two members. ";
const content = Buffer.from(marker.repeat(4_000));
const elsewhere: DialRules = {
  refuse: () => null,
  refuseClear: () => "it is on another machine",
};

type Shared = { readonly tap: Tap; readonly catalogue: Catalogue; readonly calls: MasterCalls };

/** A member that shares `content`; others reach it through a tap. */
async function shared(t: TestContext, tls: SharingOptions["tls"], told = ""): Promise<Shared> {
  const dir = scratch(t);
  writeFileSync(join(dir, name), content);
  const sharing = await Sharing.open({
    paths: [join(dir, name)],
    listen: { host: "127.0.0.1", port: 0 },
    tls,
    stateDir: join(dir, "state"),
    hasLink: false,
    allowsAnonymous: false,
    rateMaxBytes: Number.POSITIVE_INFINITY,
    onNews: () => {},
    onBroken: (error) => assert.fail(String(error)),
  });
  t.after(() => sharing.close());
  const tap = await openTap(t, sharing.port);
  const { cluster, own } = await p4Opened(t);
  const member = {
    calls: new MasterCalls({ url: `http://127.0.0.1:${own.port}`, fingerprint: "", bearer: null }),
    clientId: "ana",
    address: { host: "127.0.0.1", port: tap.port },
    fingerprint: told === "" ? sharing.fingerprint : told,
    genericToken: "secret",
    ttlMs: 60_000,
    tokenBefore: "",
    onToken: () => {},
    onNews: () => {},
  };
  const membership = await Membership.join(member);
  t.after(() => membership.leave().catch(() => {}));
  sharing.setRedeem((ticket) => membership.redeem(ticket));
  await membership.publish(
    sharing.files().map(({ root, sizeBytes }) => ({ name, root, sizeBytes, description: "" })),
  );
  const bearer = cluster.coordinator.adminToken;
  const calls = new MasterCalls({ url: `${cluster.url}/p4`, fingerprint: "", bearer });
  return { tap, calls, catalogue: new Catalogue(calls) };
}

function fetcher(t: TestContext, rules: DialRules): Fetcher {
  const lockDir = join(scratch(t), "locks");
  const opened = new Fetcher({ rules, lockDir, signal: new AbortController().signal });
  t.after(() => opened.close());
  return opened;
}

/** Records the tickets that were used. */
function watched(source: Source, tickets: string[]): Source {
  const credential = async () => {
    const ticket = await source.credential();
    tickets.push(ticket);
    return ticket;
  };
  return { ...source, credential };
}

for (const tls of [certificate, null]) {
  const how = tls === null ? "in the clear, within one machine: all of it" : "by TLS: nothing";
  test(`what an eavesdropper sees of a file that is fetched by name ${how}`, async (t) => {
    const { catalogue, tap } = await shared(t, tls);
    const found = await catalogue.find({ file_name: name });
    assert.equal(found.sources[0]!.address.fingerprint, tls === null ? "" : pin);
    const target = join(scratch(t), "got");
    const rules = tls === null ? { refuse: () => null } : elsewhere;
    const fetched = await fetcher(t, rules).fetch(found, { target, replaces: false });
    assert.equal(fetched.verified, "root");
    assert.ok(content.equals(readFileSync(target)));
    const [to, by] = [tap.said.to(), tap.said.by()];
    assert.ok(by.length > content.length, "the tap lies on the way");
    const inClear = [to.includes(name), by.includes(marker)];
    assert.deepEqual(inClear, tls === null ? [true, true] : [false, false]);
    // Tickets go in headers, which HTTP/2 compresses, so the test checks that there is no byte
    // outside TLS.
    assert.deepEqual([isTls(to), isTls(by)], [tls !== null, tls !== null]);
  });
}

type TlsRecord = { readonly type: number; readonly message: number };

/** Null when it is anything but records of TLS, the last of which may be cut. */
function tlsRecords(received: Buffer): TlsRecord[] | null {
  const records: TlsRecord[] = [];
  for (let at = 0; at + 5 < received.length; at += 5 + received.readUInt16BE(at + 3)) {
    const type = received[at]!;
    if (type < 20 || type > 23 || received[at + 1] !== 3) return null;
    records.push({ type, message: received[at + 5]! });
  }
  return records;
}

function isTls(received: Buffer): boolean {
  return tlsRecords(received) !== null;
}

test("a peer with another certificate gets no ticket, and the error says so", async (t) => {
  const { catalogue, tap } = await shared(t, certificate, wrongPin);
  const found = await catalogue.find({ file_name: name });
  const tickets: string[] = [];
  const sources = found.sources.map((source) => watched(source, tickets));
  let asked = 0;
  const more = async () => {
    asked += 1;
    return { ...found, sources };
  };
  const target = join(scratch(t), "got");
  const fetching = fetcher(t, elsewhere).fetch(
    { ...found, sources },
    { target, replaces: false, more },
  );
  await assert.rejects(
    fetching,
    /download-failed: .*ana: .*shows another certificate.*another peer answers/,
  );
  assert.deepEqual(tickets, []);
  assert.equal(asked, 1);
  const handshakes = tlsRecords(tap.said.to())?.filter(({ type }) => type === 0x16).length;
  assert.equal(handshakes, 1, "one ClientHello, nothing after it, no byte outside TLS");
});

test("a banned source does not keep an honest one from completing the download", async (t) => {
  const peer = await startPeer(t, { grpc: { tls: certificate } });
  const bytes = noise(100_000);
  const { root } = await shelve(peer, "f", { dir: scratch(t), bytes });
  const pinned = (of: string, to: string): Source => {
    const source = peer.source(of);
    return { ...source, address: { ...source.address, fingerprint: to } };
  };
  const sources = [pinned("impostor", wrongPin), pinned("honest", pin)];
  const target = join(scratch(t), "got");
  const found = { name: "f", root, sizeBytes: bytes.length, sources };
  const fetched = await fetcher(t, elsewhere).fetch(found, { target, replaces: false });
  const received = fetched.sources.map((source) => [source.name, source.receivedBytes]);
  assert.deepEqual(received, [
    ["impostor", 0],
    ["honest", bytes.length],
  ]);
  const inputs = new SharedInputs({
    find: async () => found,
    refuse: () => null,
    host: "",
    idleMs: waitMaxMs,
  });
  t.after(() => inputs.close());
  const read: Buffer[] = [];
  const wanted = { start: 0, end: bytes.length };
  const { signal } = new AbortController();
  for await (const chunk of inputs.read({ ...found, root }, wanted, signal))
    read.push(Buffer.from(chunk));
  assert.ok(bytes.equals(Buffer.concat(read)), "the same for inputs of jobs");
});

test("without certificate, a peer on another machine is sent no byte", async (t) => {
  const tap = await openTap(t, null);
  const source: Source = {
    name: "old",
    address: { host: "127.0.0.1", port: tap.port, fingerprint: "" },
    fileName: name,
    credential: async () => "a-ticket",
  };
  const target = join(scratch(t), "got");
  for (const root of ["ab".repeat(32), null]) {
    const found = { name, root, sizeBytes: null, sources: [source] };
    const fetching = fetcher(t, elsewhere).fetch(found, { target, replaces: false });
    await assert.rejects(fetching, /is not dialled: it is on another machine/);
  }
  assert.equal(tap.said.to().length, 0);
});

test("a peer answers other machines only over TLS, except for anonymous getFile", async (t) => {
  const limits = { connectMs: waitMaxMs, answerMs: waitMaxMs };
  const asked = (port: number, to: string, file = name) => {
    const address = { host: "127.0.0.1", port, fingerprint: to };
    return PeerConnection.connect(address, { refuse: () => null }, limits).then((connection) => {
      t.after(() => connection.close());
      const wanted = { fileName: file, root: new Uint8Array(0) };
      return {
        open: () => connection.open(wanted, "s".repeat(43)),
        getFile: () =>
          connection.getFile(file, {
            credential: "s".repeat(43),
            maxBytes: 1e6,
            limitMs: waitMaxMs,
          }),
      };
    });
  };
  for (const allowsAnonymous of [false, true]) {
    const grpc = { tls: certificate, refuseClear: () => "it is on another machine" };
    const peer = await startPeer(t, { grpc, admission: { allowsAnonymous } });
    await shelve(peer, name, { dir: scratch(t), bytes: content });
    const secure = await asked(peer.port, pin);
    assert.equal((await secure.open()).sizeBytes, content.length);
    assert.ok(content.equals(await secure.getFile()));
    const clear = await asked(peer.port, "");
    await assert.rejects(clear.open(), /forbidden: .*only over TLS/);
    if (allowsAnonymous) assert.ok(content.equals(await clear.getFile()));
    else await assert.rejects(clear.getFile(), /forbidden: .*only over TLS/);
  }
});

test("a malformed fingerprint does not permit a connection without TLS", async (t) => {
  const { calls } = await shared(t, certificate);
  const answer = await calls.call<{ sources: object[] }>("/get_file", { file_name: name });
  const [source] = answer.sources;
  for (const wrong of ["", "AB".repeat(32), "ab", 7, {}, null]) {
    const bent = { ...answer, sources: [{ ...source, fingerprint: wrong }] };
    const bending = { call: async () => bent } as unknown as MasterCalls;
    await assert.rejects(new Catalogue(bending).find({ file_name: name }), /no certificate of ana/);
  }
});
