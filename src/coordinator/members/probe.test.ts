/** Peers that send nothing: kept while their port is open, gone at the end of their TTL when
 *  not. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { type TestContext, test } from "node:test";
import { PeerProbe } from "./probe.ts";
import { p4Alone } from "./testing/p4-client.ts";

async function openPort(t: TestContext): Promise<number> {
  const server = createServer((socket) => socket.on("error", () => {}).resume()).listen(
    0,
    "127.0.0.1",
  );
  await once(server, "listening");
  t.after(() => server.close());
  return (server.address() as { port: number }).port;
}

test("a silent peer whose port is open stays; with a closed one it expires", async (t) => {
  const { client, members, timers } = await p4Alone(t);
  const peerProbe = new PeerProbe({ members, timers, everyMs: 1e9 });
  t.after(() => peerProbe.stop());
  const port = await openPort(t);
  await client.peer("serves", { port });
  await client.peer("closed", { port: 1 });
  await client.peer("promised", { port, ttl_s: 3_600 });
  const names = () =>
    members
      .list()
      .filter(members.isHere)
      .map(({ name }) => name);
  timers.pass(1_700_000);
  await peerProbe.probe();
  assert.equal(members.heardAtMs("serves"), members.heardAtMs("closed"), "too early for a probe");
  timers.pass(150_000);
  await peerProbe.probe();
  timers.pass(1_749_999);
  assert.deepEqual(names(), ["serves", "closed", "promised"]);
  timers.pass(1);
  assert.deepEqual(names(), ["serves"], "a peer that promised heartbeats is not probed");
});

test("a heartbeat is a promise of more", async (t) => {
  const { client, members, timers } = await p4Alone(t);
  const peerProbe = new PeerProbe({ members, timers, everyMs: 1e9 });
  t.after(() => peerProbe.stop());
  const token = await client.peer("a", { port: await openPort(t) });
  await client.post("/heartbeat", { token });
  timers.pass(3_000_000);
  await peerProbe.probe();
  timers.pass(600_000);
  assert.deepEqual(members.list().filter(members.isHere), []);
});
