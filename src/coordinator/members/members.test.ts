/** Members over a real loop with a manual clock: TTL to the millisecond, pauses, restarts, revoked
 *  tokens. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SharedFile } from "../../core/catalogue.ts";
import { emptyLog, type LogContents, openMemoryLog } from "../../store/log/memory.ts";
import { Loop } from "../loop/loop.ts";
import { ManualTimers } from "../testing/manual-timers.ts";
import { Members, type NewPeer } from "./members.ts";

async function open(contents: LogContents = emptyLog()) {
  const timers = new ManualTimers();
  const loop = await Loop.start({
    log: openMemoryLog(contents),
    timers,
    perform: () => {},
    onFatal: (error) => {
      throw error;
    },
  });
  const members = new Members({ loop, timers });
  return { loop, members, timers, contents };
}

const address = { host: "10.0.0.1", port: 8001 };

function peer(name: string, over: Partial<NewPeer> = {}): NewPeer {
  return { name, owner: "ann", admittedBy: "", address, ttlMs: 10_000, ...over };
}

function file(name: string): SharedFile {
  return { name, description: "", root: null, sizeBytes: null };
}

test("T4.4: a peer is here a millisecond before its TTL ends, and gone when it ends", async () => {
  const { members, timers } = await open();
  const token = await members.registerPeer(peer("ann"));
  await members.publish("ann", [file("a")], "refuse");
  timers.pass(9_999);
  assert.equal(members.peerOf(token)?.name, "ann");
  assert.deepEqual(members.names(), ["a"]);
  timers.pass(1);
  assert.equal(members.peerOf(token), null);
  assert.deepEqual(members.names(), []);
  assert.deepEqual(members.sources({ name: "a" }), []);
  assert.equal(
    members.touch("ann"),
    false,
    "a sign of life that comes too late does not revive a member",
  );
  timers.pass(1_000);
  await timers.settle();
  assert.deepEqual(members.list(), [], "and the log knows it too");
});

test("T4.4: availability in the last millisecond gives one whole TTL more", async () => {
  const { members, timers } = await open();
  const token = await members.registerPeer(peer("ann"));
  timers.pass(9_999);
  assert.equal(members.touch("ann"), true);
  timers.pass(9_999);
  assert.notEqual(members.peerOf(token), null);
  timers.pass(1);
  assert.equal(members.peerOf(token), null);
});

test("T4.4: a peer that registers again while it is expired is the new one, once", async () => {
  const { members, timers } = await open();
  const old = await members.registerPeer(peer("ann"));
  await members.publish("ann", [file("old")], "refuse");
  timers.pass(10_000);
  // The silence is not in the log yet; the tick that reports it comes after the registration.
  const registering = members.registerPeer(peer("ann"));
  timers.pass(1_000);
  const token = await registering;
  await timers.settle();
  assert.equal(members.peerOf(old), null);
  assert.equal(members.peerOf(token)?.name, "ann");
  assert.deepEqual(members.names(), []);
  // And in the other order.
  timers.pass(10_000);
  const again = await members.registerPeer(peer("ann"));
  await timers.settle();
  assert.equal(members.peerOf(again)?.name, "ann");
  assert.equal(members.list().length, 1);
});

test("T4.4: leaving while silence is due never removes the next peer of that name", async () => {
  const { members, timers } = await open();
  await members.registerPeer(peer("ann"));
  timers.pass(9_999);
  const leaving = members.unregister("ann");
  const registering = members.registerPeer(peer("ann"));
  timers.pass(1_001);
  await leaving;
  const token = await registering;
  await timers.settle();
  assert.equal(members.peerOf(token)?.name, "ann");
});

test("F12: a peer that leaves without notice loses its entries, others' copies stay", async () => {
  const { members, timers } = await open();
  await members.registerPeer(peer("ann"));
  await members.registerPeer(peer("bob", { ttlMs: 60_000 }));
  await members.publish("ann", [file("a"), file("both")], "refuse");
  await members.publish("bob", [file("both")], "refuse");
  const owners = () => members.sources({ name: "both" }).map(({ owner }) => owner.name);
  assert.deepEqual(owners(), ["ann", "bob"]);
  timers.pass(10_000);
  assert.deepEqual(owners(), ["bob"]);
  assert.deepEqual(members.names(), ["both"]);
});

test("C11: an hour in which the coordinator was stopped does not count as silence", async () => {
  const { members, timers } = await open();
  const token = await members.registerPeer(peer("ann"));
  timers.pass(5_000);
  timers.freeze(3_600_000);
  await timers.settle();
  assert.notEqual(members.peerOf(token), null);
  timers.pass(5_001);
  assert.equal(members.peerOf(token), null);
});

test("a restart keeps peers and their tokens, and gives each one whole TTL", async () => {
  const first = await open();
  const token = await first.members.registerPeer(peer("ann"));
  await first.members.publish("ann", [file("a")], "refuse");
  first.timers.pass(9_000);
  first.members.stop();
  await first.loop.stop();
  const { members, timers } = await open(first.contents);
  timers.pass(9_999);
  assert.equal(members.peerOf(token)?.name, "ann");
  assert.deepEqual(members.names(), ["a"]);
  timers.pass(1);
  assert.deepEqual(members.names(), []);
});

test("a peer whose cluster token is revoked is gone at once, by a spent one it stays", async () => {
  const { loop, members, timers } = await open();
  const hash = "0".repeat(64);
  const issue = (id: string, role: "submitter" | "worker") =>
    loop.post({
      kind: "token-issued",
      id,
      role,
      owner: "ann",
      hash,
      expiresAtMs: loop.nowMs() + 5_000,
      usesMax: 0,
    });
  await issue("t1", "submitter");
  await issue("t2", "submitter");
  await issue("j1", "worker");
  const revoked = await members.registerPeer(peer("a", { admittedBy: "t1", ttlMs: 0 }));
  const expired = await members.registerPeer(peer("b", { admittedBy: "t2", ttlMs: 0 }));
  const joined = await members.registerPeer(peer("c", { admittedBy: "j1", ttlMs: 0 }));
  await loop.post({ kind: "token-revoked", id: "t1" });
  assert.equal(members.peerOf(revoked), null);
  assert.notEqual(members.peerOf(expired), null);
  timers.pass(5_000);
  await timers.settle();
  assert.equal(members.peerOf(expired), null);
  assert.equal(members.peerOf(joined)?.name, "c");
  assert.deepEqual(
    members.list().map(({ name }) => name),
    ["c"],
  );
});

test("a token is only ever kept as its hash", async () => {
  const { contents, members } = await open();
  const token = await members.registerPeer(peer("ann"));
  assert.match(token, /^[0-9a-f]{64}$/);
  const written = contents.records.map((bytes) => Buffer.from(bytes).toString()).join("\n");
  assert.ok(written.includes("member-registered") && !written.includes(token));
});
