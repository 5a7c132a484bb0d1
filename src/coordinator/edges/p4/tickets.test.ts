/** Step 3 of P4: the peer that is asked for a file redeems the ticket at the master. Every reason
 *  for a refusal, over HTTP. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ClusterError } from "../../../core/error.ts";
import { openMemoryLog } from "../../../store/log/memory.ts";
import type { FileFound, Redeemed } from "../../../wire/p4/control.ts";
import { type P4Client, p4Alone } from "../../members/testing/p4-client.ts";

const root = "ab".repeat(32);

/** ann and cem have the film, bob wants it. */
async function threePeers(client: P4Client) {
  const ann = await client.peer("ann", { port: 1 });
  const cem = await client.peer("cem", { port: 2 });
  const bob = await client.peer("bob", { port: 3 });
  for (const token of [ann, cem]) {
    await client.post("/add_file", { token, file_name: "film", root, size_bytes: 7 });
  }
  return { ann, bob, cem };
}

async function ticketsOf(client: P4Client, token: string): Promise<Record<string, string>> {
  const { json, text } = await client.post("/get_file", { token, file_name: "film" });
  assert.ok(Array.isArray(json.sources), text);
  return Object.fromEntries(json.sources.map(({ peer, ticket }) => [peer, ticket]));
}

async function redeem(client: P4Client, token: string, ticket: string | undefined) {
  const { json, status } = await client.post("/redeem", { token, ticket });
  return [status, json.message ?? json.requester];
}

const invalid = [401, "Invalid ticket"];

test("F5: a ticket names requester and file to its source once, and never again", async (t) => {
  const { client } = await p4Alone(t);
  const { ann, bob, cem } = await threePeers(client);
  const first = await ticketsOf(client, bob);
  const said = await client.post("/redeem", { token: ann, ticket: first.ann });
  const wanted = { file_name: "film", root, requester: "bob", expires_in_s: 60 };
  assert.deepEqual([said.status, said.json], [200, wanted]);
  assert.deepEqual(await redeem(client, ann, first.ann), invalid, "replayed");
  const second = await ticketsOf(client, bob);
  assert.deepEqual(await redeem(client, cem, second.ann), invalid, "at another source");
  assert.deepEqual(await redeem(client, ann, second.ann), invalid, "and then used up");
  assert.deepEqual(await redeem(client, cem, second.cem), [200, "bob"]);
});

test("F5: many files are found, and many tickets redeemed, in one call each, once", async (t) => {
  const { client } = await p4Alone(t);
  const { ann, bob } = await threePeers(client);
  const names = ["film", "none", "film"];
  const found = await client.post("/get_many", { token: bob, file_names: names });
  assert.equal(found.status, 200, found.text);
  const [first, none, second] = found.json.files as Array<FileFound | null>;
  assert.equal(none, null);
  const ticketAt = (file: FileFound | null | undefined) =>
    file?.sources.find(({ peer }) => peer === "ann")?.ticket;
  const tickets = [ticketAt(first), "invented", ticketAt(second), ticketAt(first)];
  const { json, status } = await client.post("/redeem_many", { token: ann, tickets });
  assert.equal(status, 200);
  assert.deepEqual(
    (json.files as Array<Redeemed | null>).map((one) => one?.requester),
    ["bob", undefined, "bob", undefined],
  );
  const other = await client.post("/redeem_many", { token: "0".repeat(64), tickets });
  assert.equal(other.status, 401);
  const tooMany = { token: bob, file_names: new Array(1025).fill("film") };
  assert.equal((await client.post("/get_many", tooMany)).status, 400);
});

test("F5: peer B that received A's ticket cannot use it at C", async (t) => {
  const { client } = await p4Alone(t);
  const { ann, bob, cem } = await threePeers(client);
  const { cem: stolen } = await ticketsOf(client, ann);
  // bob redeems as if he were the source, then has cem redeem it.
  assert.deepEqual(await redeem(client, bob, stolen), invalid);
  assert.deepEqual(await redeem(client, cem, stolen), invalid);
});

test("F5: a ticket is good for a minute, to the millisecond", async (t) => {
  const { client, timers } = await p4Alone(t);
  const { ann, bob } = await threePeers(client);
  const [first, second] = [await ticketsOf(client, bob), await ticketsOf(client, bob)];
  timers.pass(59_999);
  assert.deepEqual(await redeem(client, ann, first.ann), [200, "bob"]);
  timers.pass(1);
  assert.deepEqual(await redeem(client, ann, second.ann), invalid);
});

test("F5: the ticket of a requester that left, or was revoked, is refused", async (t) => {
  const { auth, client } = await p4Alone(t);
  const { ann, bob } = await threePeers(client);
  const left = await ticketsOf(client, bob);
  await client.post("/unregister", { token: bob });
  assert.deepEqual(await redeem(client, ann, left.ann), invalid);
  const terms = { role: "submitter", owner: "dora", ttlMs: 0, usesMax: 0 } as const;
  const { id, token } = await auth.issue(terms);
  const dora = await client.peer("dora", { genericToken: token });
  const authorization = { headers: { Authorization: `Bearer ${token}` } };
  const asked = await client.ask("GET", "/get_file", { file_name: "film" }, authorization);
  const [good, bad] = [await ticketsOf(client, dora), await ticketsOf(client, dora)];
  assert.deepEqual(await redeem(client, ann, good.ann), [200, "dora"]);
  await auth.revoke(id);
  assert.deepEqual(await redeem(client, ann, bad.ann), invalid, "of a peer");
  const [source] = asked.json.sources as Array<{ ticket: string }>;
  assert.deepEqual(await redeem(client, ann, source?.ticket), invalid, "of a user");
});

test("F5: a ticket for content that its source no longer offers is refused", async (t) => {
  const { client } = await p4Alone(t);
  const { ann, bob } = await threePeers(client);
  const gone = await ticketsOf(client, bob);
  await client.post("/remove_file", { token: ann, file_name: "film" });
  assert.deepEqual(await redeem(client, ann, gone.ann), invalid);
  await client.post("/add_file", { token: ann, file_name: "film", root });
  const changed = await ticketsOf(client, bob);
  await client.post("/add_file", { token: ann, file_name: "film", root: "cd".repeat(32) });
  assert.deepEqual(await redeem(client, ann, changed.ann), invalid);
});

test("F5: forged tickets, unknown callers, and missing fields", async (t) => {
  const { client } = await p4Alone(t);
  const { ann, bob } = await threePeers(client);
  const { ann: ticket } = await ticketsOf(client, bob);
  assert.deepEqual(await redeem(client, ann, "x"), invalid);
  assert.deepEqual(await redeem(client, ann, undefined), [400, "Invalid request"]);
  assert.deepEqual(await redeem(client, "0".repeat(64), ticket), [401, "Peer not found"]);
  // A stranger's attempt does not use up the requester's ticket.
  assert.deepEqual(await redeem(client, ann, ticket), [200, "bob"]);
});

test("F4: a master that is stopping answers 503 to every call, never 401", async (t) => {
  const { client, loop } = await p4Alone(t);
  const { ann, bob } = await threePeers(client);
  const { ann: ticket } = await ticketsOf(client, bob);
  await loop.stop();
  const token = ann;
  for (const [path, body] of [
    ["/redeem", { token, ticket }],
    ["/get_file", { token, file_name: "film" }],
    ["/get_files", { token }],
    ["/heartbeat", { token }],
    ["/register", { client_id: "x", ip: "", port: 1, genericToken: "secret" }],
    ["/unregister", { token }],
  ] as const) {
    const said = await client.post(path, body);
    assert.equal(said.status, 503, `${path}: ${said.text}`);
    assert.equal(said.headers["retry-after"], "1");
  }
});

test("F4: on a full disk writes are answered 503, reads still work", async (t) => {
  const log = openMemoryLog();
  let isFull = false;
  const full = new ClusterError("storage-full", "no space left");
  const append: typeof log.append = (records, after) =>
    isFull ? Promise.reject(full) : log.append(records, after);
  const { client } = await p4Alone(t, { log: { ...log, append } });
  const { ann, bob } = await threePeers(client);
  isFull = true;
  const added = await client.post("/add_file", { token: ann, file_name: "more" });
  assert.equal(added.status, 503, added.text);
  const { ann: ticket } = await ticketsOf(client, bob);
  assert.deepEqual(await redeem(client, ann, ticket), [200, "bob"]);
  isFull = false;
  assert.equal((await client.post("/add_file", { token: ann, file_name: "more" })).status, 200);
});
