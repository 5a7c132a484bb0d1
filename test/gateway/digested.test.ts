/** X2: data that changes between the coordinator and a tab is fetched again, never used. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { digested } from "../../src/coordinator/edges/http/digested.ts";
import { bytesAnswer, parseRange } from "../../src/coordinator/edges/http/ranges.ts";
import { waitMaxMs } from "../../src/store/testing/patience.ts";
import { fetchBytes } from "../../src/worker/browser/tab/calls.ts";

const content = Buffer.from(Array.from({ length: 100_000 }, (_, n) => n * 7));

async function* inTwo(bytes: Uint8Array) {
  yield bytes.subarray(0, bytes.length >> 1);
  yield bytes.subarray(bytes.length >> 1);
}

/** Passes answers on, the first few with a flipped bit. `isOld`: it knows no digests. */
async function gateway(t: TestContext, harmed: number, isOld = false) {
  let asked = 0;
  const server = createServer(async (request, response) => {
    const span = parseRange(request.headers.range, content.length);
    const part = content.subarray(span?.start ?? 0, span?.end ?? content.length);
    const plain = bytesAnswer(content.length, span, () => inTwo(part));
    const isAsked = !isOld && new URL(request.url ?? "", "http://a").search === "?digest=1";
    const answer = isAsked ? digested(plain) : plain;
    assert.ok(answer.kind === "bytes" && answer.stream !== null);
    const chunks: Uint8Array[] = [];
    for await (const chunk of answer.stream as AsyncIterable<Uint8Array>) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    if (asked++ < harmed) body[body.length - 40]! ^= 4;
    response.writeHead(answer.status, answer.headers).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const signal = AbortSignal.timeout(waitMaxMs);
  const calls = { origin, signal, patienceMs: waitMaxMs, moved: () => {} };
  return { calls, asked: () => asked };
}

for (const range of [undefined, [7, 50_000] as const, [99_990, 100_000] as const]) {
  const bytes = range ?? "all";
  test(`X2: a tab fetches bytes ${bytes} again until they are what was sent`, async (t) => {
    const { asked, calls } = await gateway(t, 2);
    const got = await fetchBytes(calls, "/t/x/file/0", range);
    assert.ok(content.subarray(...(range ?? [])).equals(got));
    assert.equal(asked(), 3);
  });
}

test("a coordinator that sends no digests is understood", async (t) => {
  const { calls } = await gateway(t, 0, true);
  assert.ok(content.subarray(3, 900).equals(await fetchBytes(calls, "/t/x/file/0", [3, 900])));
});
