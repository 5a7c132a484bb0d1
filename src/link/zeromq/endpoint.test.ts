/** Ports that are not named: those of calls never have the number of one that others still ask. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CallPort } from "./call-port.ts";
import { openReplyServer } from "./reply-server.ts";

const host = "127.0.0.1";

test("ports of calls are odd, those that answer pings and reports are even", async (t) => {
  const answer = async () => new Uint8Array(0);
  for (let at = 0; at < 12; at += 1) {
    const call = await CallPort.open({ host, frameMaxBytes: 1_000, silenceMs: 60_000 });
    t.after(() => call.close());
    assert.equal(call.port % 2, 1);
    const common = { host, port: 0, requestMaxBytes: 1_000, requestsMax: 1, answer };
    const server = await openReplyServer({ ...common, parity: "even" });
    t.after(() => server.close());
    assert.equal(server.port % 2, 0);
  }
});

test("a port of either parity can be bound, named or not", async (t) => {
  const common = {
    host,
    requestMaxBytes: 1_000,
    requestsMax: 1,
    answer: async (b: Uint8Array) => b,
  };
  const first = await openReplyServer({ ...common, port: 0, parity: "odd" });
  t.after(() => first.close());
  await assert.rejects(openReplyServer({ ...common, port: first.port, parity: "even" }), /in use/);
});
