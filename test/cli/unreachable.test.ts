/** What workers and gateways say when the coordinator cannot be reached: at once, why, that they go
 *  on trying, and once for each reason. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, createServer as createTcp } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Coordinator, openCoordinator } from "../../src/coordinator/coordinator.ts";
import { atEnd } from "../../src/store/testing/at-end.ts";
import { testMaxMs } from "../../src/store/testing/patience.ts";
import { freePort } from "../fixtures/free-port.ts";
import { Place, type Running } from "../fixtures/place.ts";

const timeout = testMaxMs;

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
  // In this process: only what says something is a process of its own, and starts take long.
  const port = await freePort();
  const first = await open(t, place, port);
  const { url } = first;
  const token = await first.joinToken({ ttlMs: testMaxMs, usesMax: 0 });
  await first.close();
  const worker = place.start("join", url, "--token", token, "--json", "--data", "w");
  const common = ["gateway", "--listen", "127.0.0.1:0", "--data", "g", "--tracker", url];
  const gateway = place.start(...common, "--token", token);
  await worker.said("nothing listens");
  const waits = await gateway.said("retrying in 500 ms");
  assert.match(
    waits,
    /cannot reach the tracker: nothing listens at \S+; start it with `tequio up`/,
  );
  const deaf = createTcp((socket) => socket.destroy());
  deaf.listen(port, "127.0.0.1");
  await worker.said("closed the connection");
  await new Promise((closed) => deaf.close(closed));
  const second = await open(t, place, port);
  await worker.said("joined as w-1");
  const found = await gateway.said("connected to the tracker");
  // Nothing listens again for a moment before the second one does.
  const reasons = found.match(/cannot reach the tracker: [^;]*/g) ?? [];
  assert.ok(reasons.length > 0, found);
  for (const [at, reason] of reasons.entries()) assert.notEqual(reason, reasons[at - 1], found);
  await second.close();
  await worker.said('"event":"apart"');
  const third = await open(t, place, port);
  const joined = await twice(worker, "joined as w-1");
  await third.close();
  worker.child.kill("SIGINT");
  const { code, err, out } = await worker.ended;
  assert.equal(code, 0, err);
  const told = linesOf(joined, "unreachable", "apart", "joined");
  for (const [at, line] of told.entries()) {
    assert.notEqual(line.message, told[at - 1]?.message, "each reason is printed once");
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

/** The coordinator of this place. Closed by the test, or at its end. */
async function open(t: TestContext, place: Place, port: number): Promise<Coordinator> {
  const listen = `127.0.0.1:${port}`;
  const dataDir = join(place.dir, "data");
  const coordinator = await openCoordinator({ dataDir, listen, version: "test" });
  atEnd(t, () => coordinator.close());
  return coordinator;
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
