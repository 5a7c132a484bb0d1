/** Calls to a master that moves: the coordinator that leads changes. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { atEnd } from "../../store/testing/at-end.ts";
import { MasterCalls } from "./call.ts";

/** A master that answers with its name; `status` 503: it does not lead. */
async function master(t: TestContext, name: string, status = 200): Promise<string> {
  const server = createServer((_, response) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify({ name, message: name }));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  atEnd(t, () => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/p4`;
}

const own = { fingerprint: "", bearer: "t" };

test("a call goes to the coordinator that leads now, and the later ones, too", async (t) => {
  const before = await master(t, "before", 503);
  const now = await master(t, "now");
  let asked = 0;
  const find = async () => {
    asked += 1;
    return now;
  };
  const calls = new MasterCalls({ ...own, url: before, find });
  assert.deepEqual(await calls.call("/peers", {}), { name: "now", message: "now" });
  assert.equal(calls.url, now);
  await calls.call("/peers", {});
  assert.equal(asked, 1);
});

test("a master that is away and has not moved is reported as it is", async (t) => {
  const url = await master(t, "away", 503);
  const away = { code: "unavailable", message: /answered 503/ };
  for (const find of [async () => url, async () => null, undefined]) {
    const calls = new MasterCalls({ ...own, url, ...(find === undefined ? {} : { find }) });
    await assert.rejects(calls.call("/peers", {}), away);
  }
  const refusing = await master(t, "refusing", 403);
  const never = () => assert.fail("a refusal is an answer");
  const calls = new MasterCalls({ ...own, url: refusing, find: never });
  await assert.rejects(calls.call("/peers", {}), { code: "forbidden" });
});
