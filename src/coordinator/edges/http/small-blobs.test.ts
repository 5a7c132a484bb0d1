/** Several blobs in one call. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { opened, sha256 } from "../../testing/opened.ts";

test("small blobs come in one call, and are refused above their bounds", async (t) => {
  const cluster = await opened(t);
  const send = (blobs: readonly string[]) =>
    cluster.call("POST", "/v1/small-blobs", { body: { blobs } });
  const texts = ["code", "plan", "", "code"];
  const answer = await send(texts.map((text) => Buffer.from(text).toString("base64")));
  const { hashes } = (await answer.json()) as { hashes: string[] };
  assert.deepEqual(hashes, texts.map(sha256));
  for (const [at, hash] of hashes.entries()) {
    assert.equal(await (await cluster.call("GET", `/v1/blobs/${hash}`)).text(), texts[at]);
  }
  const large = Buffer.alloc(256 * 1024 + 3).toString("base64");
  for (const bad of [[], [large], ["no base64!"], new Array(17).fill("")]) {
    const { code } = (await (await send(bad)).json()) as { code: string };
    assert.equal(code, "bad-request");
  }
});
