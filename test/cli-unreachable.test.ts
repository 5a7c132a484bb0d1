/** What workers and gateways say when the coordinator cannot be reached: at once, why, that they go
 *  on trying, and once for each reason. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, createServer as createTcp } from "node:net";
import { type TestContext, test } from "node:test";
import { Place, type Running } from "./cli/process.ts";

const timeout = 60_000;

async function portOf(t: TestContext, server: Server | ReturnType<typeof createTcp>) {
  t.after(() => server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

type Line = { readonly event: string; readonly message: string; readonly retryMs?: number };

/** Lines that are JSON, and of these events. */
function linesOf(said: string, ...events: string[]): Line[] {
  const lines = said.split("\n").filter((line) => line.startsWith('{"at"'));
  return lines
    .map((line) => JSON.parse(line) as Line)
    .filter((line) => events.includes(line.event));
}

test("who cannot reach the coordinator says why at once, once for each reason, and when it can", {
  timeout,
}, async (t) => {
  const place = new Place(t);
  const deaf = createTcp((socket) => socket.destroy());
  const port = await portOf(t, deaf);
  const url = `http://127.0.0.1:${port}`;
  const token = await tokenOf(place, port, deaf);
  const worker = place.start("join", url, "--token", token, "--json", "--data", "w");
  const common = ["gateway", "--listen", "127.0.0.1:0", "--data", "g", "--tracker", url];
  const gateway = place.start(...common, "--token", token);
  await worker.said("nothing listens");
  const waits = await gateway.said("retrying in 500 ms");
  assert.match(
    waits,
    /cannot reach the tracker: nothing listens at \S+; start it with `tequio up`/,
  );
  deaf.listen(port, "127.0.0.1");
  await worker.said("closed the connection");
  await new Promise((closed) => deaf.close(closed));
  const up = await startUp(place, port);
  await worker.said("joined as w-1");
  const found = await gateway.said("connected to the tracker");
  assert.equal(found.match(/nothing listens/g)?.length, 1, found);
  up.child.kill("SIGKILL");
  await up.ended;
  await worker.said('"event":"apart"');
  const again = await startUp(place, port);
  const joined = await twice(worker, "joined as w-1");
  again.child.kill("SIGINT");
  await again.ended;
  worker.child.kill("SIGINT");
  const { code, err, out } = await worker.ended;
  assert.equal(code, 0, err);
  const told = linesOf(joined, "unreachable", "apart", "joined");
  for (const [at, line] of told.entries()) {
    assert.notEqual(line.message, told[at - 1]?.message, "a reason is said once");
    assert.equal(line.event === "joined", line.retryMs === undefined, "when it tries again");
  }
  assert.match(told[0]?.message ?? "", /^cannot reach .*nothing listens at .*`tequio up`/);
  assert.deepEqual(Object.keys(linesOf(out, "left")[0] ?? {}).slice(1), [
    "event",
    "message",
    "worker",
    "tasksDone",
  ]);
});

/** A join token of a coordinator on this port and in this place that has gone again. */
async function tokenOf(place: Place, port: number, deaf: ReturnType<typeof createTcp>) {
  await new Promise((closed) => deaf.close(closed));
  const up = await startUp(place, port);
  const { err, out } = await place.run("token", "create", "--role", "worker");
  up.child.kill("SIGINT");
  await up.ended;
  const [token] = /mrt_\S+/.exec(out) ?? [];
  assert.ok(token !== undefined, err);
  return token;
}

async function startUp(place: Place, port: number): Promise<Running> {
  const up = place.start("up", "--listen", `127.0.0.1:${port}`, "--workers", "0");
  await up.said("run a job");
  return up;
}

async function twice(running: Running, text: string): Promise<string> {
  for (;;) {
    const said = await running.said(text);
    if (said.split(text).length > 2) return said;
    await once(running.child.stdout!, "data");
  }
}

test("an address at which something else answers ends worker and gateway with the reason", {
  timeout,
}, async (t) => {
  const place = new Place(t);
  const site = createServer((_, response) => response.writeHead(404).end("no such page"));
  site.on("upgrade", (_, socket) => socket.end("HTTP/1.1 404 Not Found\r\n\r\n"));
  const mail = createTcp((socket) => socket.end("220 mail.example.org ESMTP\r\n"));
  const [sitePort, mailPort] = [await portOf(t, site), await portOf(t, mail)];
  const [tracker, wrong, other] = await Promise.all([
    place.run("gateway", "--listen", "127.0.0.1:0", "--tracker", at(sitePort), "--token", "x"),
    place.run("join", at(sitePort), "--token", "x", "--data", "a"),
    place.run("join", at(mailPort), "--token", "x", "--data", "b"),
  ]);
  for (const { code, err } of [tracker, wrong]) {
    assert.equal(code, 2, err);
    assert.match(err, /^tequio: not-found: .* answered HTTP 404; check the address/m);
  }
  assert.equal(other.code, 1);
  assert.match(other.err, /protocol-violated: what answers at 127\.0\.0\.1:\d+ is no coordinator/);
});

function at(port: number): string {
  return `http://127.0.0.1:${port}`;
}
