/** Servers that close kept connections just as they are used again: no caller notices. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { type TestContext, test } from "node:test";
import { openProxy } from "../../src/gateway/proxy.ts";
import { Client } from "../../src/sdk/client.ts";
import { waitMaxMs } from "../../src/store/testing/patience.ts";
import { ask, readAll } from "../../src/worker/shuffle/http.ts";

async function listening(t: TestContext, server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Every connection ends, without an answer, at the head of its second request. */
async function closing(t: TestContext) {
  const used = new WeakSet<object>();
  const counts = { answered: 0, closed: 0 };
  const server = createServer((request, response) => {
    if (used.has(request.socket)) {
      counts.closed++;
      request.socket.destroy();
      return;
    }
    used.add(request.socket);
    request.resume();
    request.once("end", () => {
      counts.answered++;
      response.setHeader("content-type", "application/json");
      response.end('{"jobs":[]}');
    });
  });
  return { counts, url: await listening(t, server) };
}

const callers: Record<string, (t: TestContext, url: string) => Promise<() => Promise<unknown>>> = {
  "a client": async (t, url) => {
    const client = new Client({ url, token: "t" });
    t.after(() => client.close());
    return () => client.jobs();
  },
  "a worker": async (_t, url) => async () => {
    const answer = await ask(new URL("/t/1", url), { idleMs: waitMaxMs });
    return readAll(answer, 1_000);
  },
  "a tab, through its gateway": async (t, url) => {
    const proxy = openProxy({ url, fingerprint: "" });
    t.after(() => proxy.close());
    const gateway = createServer((request, response) => void proxy.handle(request, response));
    const at = await listening(t, gateway);
    return async () => {
      const answer = await fetch(`${at}/t/1`);
      assert.equal(answer.status, 200);
      return answer.text();
    };
  },
};

for (const [who, caller] of Object.entries(callers)) {
  test(`${who} sends again what met a connection that was being closed`, async (t) => {
    const { counts, url } = await closing(t);
    const call = await caller(t, url);
    for (let n = 0; n < 4; n++) await call();
    assert.equal(counts.answered, 4);
    assert.ok(counts.closed > 0, "no connection was used twice");
  });
}

test("a body that can be read once goes on a new connection", async (t) => {
  const { counts, url } = await closing(t);
  const place = new URL("/t/1", url);
  for (let n = 0; n < 3; n++) {
    const body = Readable.from([Buffer.from("x")]);
    await readAll(await ask(place, { method: "PUT", idleMs: waitMaxMs, body }), 1_000);
  }
  assert.deepEqual(counts, { answered: 3, closed: 0 });
});
