/** Whether the coordinator can connect to a worker, as it answers that worker. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { opened } from "../../testing/opened.ts";
import { ScriptedWorker } from "../../testing/scripted-worker.ts";

test("N11: a worker learns whether the coordinator can connect to its address", async (t) => {
  const cluster = await opened(t);
  const server = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const { token } = await cluster.token("worker", "w");
  const isReached = async (exchangeUrl: string) => {
    const worker = await ScriptedWorker.dial(t, cluster.url, token);
    const { credential } = await worker.join({ exchangeUrl });
    const answer = await cluster.call("GET", "/shuffle/reach", { token: credential });
    return ((await answer.json()) as { isReached: boolean }).isReached;
  };
  assert.equal(await isReached(`grpc://127.0.0.1:${port}`), true);
  assert.equal(await isReached(""), false);
  server.close();
  assert.equal(await isReached(`grpc://127.0.0.1:${port}`), false);
});
