/** How fast a tab says that it gets its input. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { measureSpeed } from "./speed.ts";

/** Each call takes the next of these times, ms; the sizes that were asked for. */
function links(t: TestContext, ...tookMs: number[]): number[] {
  const sizes: number[] = [];
  let nowMs = 0;
  t.mock.method(performance, "now", () => nowMs);
  t.mock.method(globalThis, "fetch", async (url: string) => {
    const size = Number(new URL(url).searchParams.get("bytes"));
    sizes.push(size);
    nowMs += tookMs.shift() ?? 0;
    return new Response(new Uint8Array(size));
  });
  return sizes;
}

const small = 64 * 1024;
const large = 1024 * 1024;

test("a moment in which the machine is busy does not make its link slow", async (t) => {
  const sizes = links(t, 900, 20, 100);
  assert.equal(await measureSpeed("http://here"), Math.round(large / 100));
  assert.deepEqual(sizes, [small, small, large]);
});

test("a slow link is known by its small parts, and not for long", async (t) => {
  const sizes = links(t, 800, 1_000, 900);
  assert.equal(await measureSpeed("http://here"), Math.round(small / 800));
  assert.deepEqual(sizes, [small, small, small]);
  t.mock.restoreAll();
  assert.deepEqual(links(t, 6_000), []);
  assert.equal(await measureSpeed("http://here"), Math.round(small / 6_000));
});
