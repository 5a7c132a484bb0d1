/** What is asked of the servers of a JetStream before one of them may be away. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttp } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { type TestContext, test } from "node:test";
import { atEnd } from "../../store/testing/at-end.ts";
import { checkSync } from "./sync.ts";

type Ports = { readonly monitor: string; readonly server: string };

async function listening(t: TestContext, server: Server): Promise<string> {
  await once(server.listen(0, "127.0.0.1"), "listening");
  atEnd(t, () => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** `silent`: it serves clients, and has no monitoring port; `stopped`: it accepts and says
 *  nothing; `away`: nothing listens. */
async function server(
  t: TestContext,
  kind: "safe" | "unsafe" | "silent" | "stopped" | "away",
): Promise<Ports> {
  const clients = createServer((socket) => {
    if (kind !== "stopped") socket.write("INFO {}\r\n");
    socket.on("error", () => {}).on("end", () => socket.end());
  });
  const monitors = createHttp((_, response) => {
    response.end(JSON.stringify({ jetstream: { config: { sync_always: kind === "safe" } } }));
  });
  const nowhere = createServer();
  const free = await listening(t, nowhere);
  nowhere.close();
  const hasMonitor = kind === "safe" || kind === "unsafe";
  return {
    monitor: hasMonitor ? await listening(t, monitors) : free,
    server: kind === "away" ? free : await listening(t, clients),
  };
}

async function check(t: TestContext, ...kinds: ReadonlyArray<Parameters<typeof server>[1]>) {
  const found = await Promise.all(kinds.map((kind) => server(t, kind)));
  await checkSync({
    monitors: found.map(({ monitor }) => monitor),
    servers: found.map(({ server }) => server),
    replicas: kinds.length,
    name: "nats://test",
  });
}

test("X11: a coordinator starts while one of three NATS servers is away", async (t) => {
  await check(t, "safe", "safe", "safe");
  await check(t, "safe", "away", "safe");
  await check(t, "stopped", "safe", "safe");
});

test("C13: a server that does not sync, or does not say so, is refused", async (t) => {
  const refused = (message: RegExp) => ({ code: "bad-request", message });
  await assert.rejects(check(t, "safe", "unsafe", "safe"), refused(/has no sync_interval/));
  await assert.rejects(check(t, "away", "unsafe", "safe"), refused(/has no sync_interval/));
  await assert.rejects(check(t, "safe", "safe", "silent"), refused(/does not report whether/));
});

test("too few servers are a connection that is lost: it is tried again", async (t) => {
  const lost = { code: "unavailable", message: /do not answer/ };
  await assert.rejects(check(t, "safe", "away", "away"), lost);
  await assert.rejects(check(t, "away"), lost);
});
