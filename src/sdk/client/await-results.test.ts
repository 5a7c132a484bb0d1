/** Waiting for results: one call while the job is short, following it when it is long. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import test from "node:test";
import type { JobSpec } from "../../core/job.ts";
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

test("results come with the answer to the submission, or are asked for", async (t) => {
  const early = ["1\n2\n", "", "cut"] as const;
  const calls: string[] = [];
  const server = createServer((request, response) => {
    calls.push(`${request.method} ${request.url}`);
    if (request.method !== "POST") {
      response.end("1\n2\n");
      return;
    }
    response.write('{"job":"j-1"}\n');
    const rest = early[calls.filter((call) => call.startsWith("POST")).length - 1];
    if (rest === "cut") setImmediate(() => response.destroy());
    else setImmediate(() => response.end(rest));
  }).listen(0, "127.0.0.1");
  t.after(() => server.close().closeAllConnections());
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = new Client({ url, token: "secret" });
  t.after(() => client.close());
  for (const _ of early) {
    const { job, results } = await client.submitForResults({} as JobSpec);
    assert.equal(job, "j-1");
    const got: unknown[] = [];
    for await (const one of results) got.push(one);
    assert.deepEqual(got, [1, 2]);
  }
  const submitted = "POST /v1/jobs?resultsMs=20000";
  const asked = "GET /v1/jobs/j-1/results?waitMs=20000";
  assert.deepEqual(calls, [submitted, submitted, asked, submitted, asked]);
});
