/** Which clients may connect to a gateway, and in which role: Host, Origin, tokens of trackers. */
import assert from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import { upgraded } from "./raw-socket.ts";
import { Client, served } from "./served.ts";

type Case = readonly [what: string, headers: Record<string, string>, status: number];

const doors: readonly Case[] = [
  ["no Origin", {}, 101],
  ["its own page", { origin: "http://127.0.0.1:PORT" }, 101],
  ["a page of a configured origin", { origin: "https://known.example" }, 101],
  [
    "the same, as browsers send it",
    { origin: "https://known.example", "sec-fetch-site": "cross-site" },
    101,
  ],
  ["a configured name", { host: "gateway.example" }, 101],
  ["a page of another site", { origin: "https://evil.example" }, 403],
  ["a page of another port", { origin: "http://127.0.0.1:1" }, 403],
  ["a page without an origin", { origin: "null" }, 403],
  ["a page whose name was rebound", { host: "evil.example", origin: "http://evil.example" }, 403],
  ["a name alone that is not its own", { host: "evil.example" }, 403],
  ["a cross-site call without Origin", { "sec-fetch-site": "cross-site" }, 403],
];

test("B8: a WebSocket is opened by our pages and programs only", async (t) => {
  const origin = { hosts: ["gateway.example"], origins: ["https://known.example"] };
  const { port } = await served(t, { origin });
  for (const [what, headers, status] of doors) {
    assert.equal(await statusOfUpgrade(port, headers), status, what);
  }
});

function statusOfUpgrade(port: number, over: Record<string, string>): Promise<number> {
  const headers = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
    ...(over.origin === undefined ? {} : { origin: over.origin.replace("PORT", String(port)) }),
    ...Object.fromEntries(Object.entries(over).filter(([name]) => name !== "origin")),
  };
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, headers });
    asked.on("upgrade", (_response, socket) => {
      socket.destroy();
      resolve(101);
    });
    asked.on("response", (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.on("error", reject).end();
  });
}

test("T5.3: a second tracker is refused while one is live, and taken after it", async (t) => {
  const { port } = await served(t);
  const first = await Client.open(t, port);
  first.say("tracker");
  first.say("ping");
  await first.next("pong");
  const second = await Client.open(t, port);
  second.say("tracker");
  const told = await second.next("tracker");
  assert.equal(told.status, 0);
  assert.match(told.message, /already/);
  assert.equal((await second.closed).code, 1008);
  first.socket.close();
  await first.closed;
  const third = await Client.open(t, port);
  third.say("tracker");
  const browser = await Client.open(t, port);
  browser.say("connect", { speed: 3 });
  assert.equal((await third.next("connect")).data.speed, 3);
});

test("T5.3, B8: a web page is never the tracker, not even our own", async (t) => {
  const origins = ["https://known.example"];
  const { gateway, port } = await served(t, { origin: { hosts: [], origins } });
  const own = `http://127.0.0.1:${port}`;
  for (const headers of [
    { origin: own, "user-agent": "Mozilla/5.0 (X11; Linux x86_64)" },
    { origin: own, "sec-fetch-mode": "websocket" },
    { origin: "https://known.example" },
  ]) {
    const page = await Client.open(t, port, headers);
    page.say("tracker");
    assert.match((await page.next("tracker")).message, /web page/);
    assert.equal((await page.closed).code, 1008);
    assert.equal(gateway.hasTracker, false);
  }
});

test("a tracker whose library sends the gateway's own address as Origin is one", async (t) => {
  const { gateway, port } = await served(t);
  const tracker = await Client.open(t, port, { origin: `http://127.0.0.1:${port}` });
  tracker.say("tracker");
  tracker.say("ping");
  await tracker.next("pong");
  assert.equal(gateway.hasTracker, true);
});

test("T5.3: with a token for trackers, a connection without it is refused", async (t) => {
  const { gateway, port } = await served(t, { trackers: { kind: "token", token: "secret-1" } });
  for (const authorization of ["", "Bearer secret-2", "Basic secret-1", "Bearer secret-1x"]) {
    const headers: Record<string, string> = authorization === "" ? {} : { authorization };
    const client = await Client.open(t, port, headers);
    client.say("tracker");
    assert.match((await client.next("tracker")).message, /token/);
    assert.equal(gateway.hasTracker, false);
  }
  const right = await Client.open(t, port, { authorization: "Bearer secret-1" });
  right.say("tracker");
  right.say("ping");
  await right.next("pong");
  assert.equal(gateway.hasTracker, true);
});

test("T5.3: a gateway that dials its tracker takes none that dials in", async (t) => {
  const { port } = await served(t, { trackers: { kind: "none" } });
  const client = await Client.open(t, port);
  client.say("tracker");
  assert.match((await client.next("tracker")).message, /of its own/);
});

test("a browser does not become the tracker, and gives no tasks", async (t) => {
  const { port } = await served(t);
  const client = await Client.open(t, port);
  client.say("connect", { speed: 1 });
  client.say("tracker");
  await client.next("error");
  client.say("task", { type: "m", uid: 1, tid: 1, url: ["http://h/"] });
  await client.next("error");
});

test("when all connections are in use, the next is refused for now", async (t) => {
  const { port } = await served(t, { limits: { connectionsMax: 2 } });
  for (let i = 0; i < 2; i++) (await Client.open(t, port)).say("connect", { speed: 1 });
  const late = await Client.open(t, port);
  const { code, reason } = await late.closed;
  assert.equal(code, 1013);
  assert.match(reason, /try again later/);
});

test("a gateway that stops closes its tabs' connections with the reason", async (t) => {
  const { gateway, port } = await served(t);
  const client = await Client.open(t, port);
  client.say("connect", { speed: 1 });
  client.say("ping");
  await client.next("pong");
  gateway.close();
  assert.deepEqual(await client.closed, { code: 1001, reason: "the gateway is stopping" });
});

test("an upgrade to anything but a WebSocket is refused", async (t) => {
  const { port } = await served(t);
  const { answer } = await upgraded(t, port, ["Sec-WebSocket-Key: another"]);
  assert.match(answer, /^HTTP\/1\.1 400 /);
});

test("a tab that the tracker rejects gets the reason, and is gone", async (t) => {
  const { gateway, port } = await served(t);
  const tracker = await Client.open(t, port);
  tracker.say("tracker", { more: { session: "a" } });
  const more = { session: "0".repeat(32), token: "wrong" };
  const tab = await Client.open(t, port);
  tab.say("connect", { speed: 1, more });
  const { uid } = (await tracker.next("connect")).data;
  const message = "unauthenticated: no such token";
  tracker.raw(JSON.stringify({ status: 0, message, action: "welcome", data: { uid, more: {} } }));
  const told = await tab.next("welcome");
  assert.deepEqual([told.status, told.message], [0, message]);
  assert.deepEqual(await tab.closed, { code: 1008, reason: message });
  assert.equal(gateway.tabCount, 0);
  // The same page with a better token is another tab.
  const again = await Client.open(t, port);
  again.say("connect", { speed: 1, more: { ...more, token: "right" } });
  assert.notEqual((await tracker.next("connect")).data.uid, uid);
});

test("a tracker that comes back gets the credential by which it knows a tab", async (t) => {
  const { port } = await served(t);
  const first = await Client.open(t, port);
  first.say("tracker", { more: { session: "a" } });
  const tab = await Client.open(t, port);
  tab.say("connect", { speed: 1, more: { session: "0".repeat(32), token: "once", worker: "" } });
  const { uid } = (await first.next("connect")).data;
  first.say("welcome", { uid, more: { worker: "w-1", credential: "secret" } });
  await tab.next("welcome");
  first.socket.close();
  await first.closed;
  const second = await Client.open(t, port);
  second.say("tracker", { more: { session: "a" } });
  const { more } = (await second.next("connect")).data;
  const { credential, token, worker } = more as Record<string, unknown>;
  assert.deepEqual(
    { credential, token, worker },
    { credential: "secret", token: "", worker: "w-1" },
  );
});
