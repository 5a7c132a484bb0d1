/** Waiting for results: one call while the job is short, following it when it is long. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import test from "node:test";
import { Client } from "../client.ts";

test("results are waited for, also of a long job or a coordinator that is away", async (t) => {
  for (const [status, code] of [
    [409, "conflict"],
    [503, "unavailable"],
  ] as const) {
    const refuse = (response: ServerResponse) =>
      response.writeHead(status).end(JSON.stringify({ code, message: "not yet", retryable: true }));
    const server = createServer((request, response) => {
      if (request.url?.endsWith("?waitMs=20000")) refuse(response);
      else if (request.url?.endsWith("/watch")) response.end('{"state":"done"}\n');
      else response.end("1\n2\n");
    }).listen(0, "127.0.0.1");
    t.after(() => server.close().closeAllConnections());
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const client = new Client({ url, token: "secret" });
    const results: unknown[] = [];
    for await (const one of client.awaitResults("j-1")) results.push(one);
    assert.deepEqual(results, [1, 2]);
  }
});
