/** The network of job code, and that of what runs beside it. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import test from "node:test";
import { evenGlobals } from "../globals.ts";

test("fetch and WebSocket of job code are refused, say why, and reach no server", async (t) => {
  let hits = 0;
  const server = createServer((_request, response) => {
    hits += 1;
    response.end("reached");
  });
  const end = { connection: "close" };
  await new Promise<void>((listens) => server.listen(0, "127.0.0.1", listens));
  t.after(() => server.close());
  const at = `127.0.0.1:${(server.address() as AddressInfo).port}`;

  const restore = evenGlobals();
  const said: unknown[] = [];
  try {
    await fetch(`http://${at}/`).catch((error: unknown) => said.push(error));
    try {
      new WebSocket(`ws://${at}/`);
    } catch (error) {
      said.push(error);
    }
    said.push(typeof WebSocket, WebSocket.OPEN, fetch.name);
  } finally {
    restore();
  }
  assert.match(String(said[0]), /^TypeError: fetch: job code has no network on any engine: give/);
  assert.match(String(said[1]), /^TypeError: WebSocket: job code has no network/);
  assert.deepEqual(said.slice(2), ["function", 1, "fetch"]);
  assert.equal(hits, 0);

  const answer = await fetch(`http://${at}/`, { headers: end });
  assert.equal(await answer.text(), "reached", "restored afterwards");
});
