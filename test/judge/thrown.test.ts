/** What job code throws reads the same from Node workers, tabs and the judge. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { options, sharedChromium } from "../browsers/chromium.ts";
import { isJoined, joinIn, startCluster } from "../browsers/cluster.ts";
import { Place } from "../fixtures/place.ts";

const chromium = sharedChromium();
const source = `import { tasks } from "tequio";
const thrown: Record<string, () => unknown> = {
  cause: () => new Error("outer", { cause: new RangeError("inner") }),
  all: () => new AggregateError([new Error("a"), { b: 1 }], "none"),
  object: () => ({ code: 5 }),
  place: () => ({ toString: () => "told" }),
  code: () => new Error("outer",
    { cause: Object.assign(new RangeError("inner"), { code: "ENOENT" }) }),
  held: () => ({ error: new Error("inside") }),
  text: () => "42",
  big: () => 42n,
};
export default tasks({
  name: "thrower", attempts: 1, params: { what: "cause" }, items: [0],
  run(item: number, { params }) {
    const made = thrown[params.what];
    throw made === undefined ? null : made();
  },
});
`;
const expected = {
  cause:
    "run threw Error: outer (thrower.ts:3); caused by RangeError: inner (thrower.ts:3) on item 0",
  all: 'run threw AggregateError: none (thrower.ts:4) [Error: a (thrower.ts:4); {"b":1}] on item 0',
  object: 'run threw {"code":5} on item 0',
  place: "run threw told on item 0",
  code:
    "run threw Error: outer (thrower.ts:7); " +
    "caused by RangeError [ENOENT]: inner (thrower.ts:8) on item 0",
  held: 'run threw {"error":(Error: inside (thrower.ts:9))} on item 0',
  text: 'run threw "42" on item 0',
  big: "run threw 42n on item 0",
  nothing: "run threw null on item 0",
};

test("X8: causes, parts and thrown objects are reported by workers and the judge", async (t) => {
  const place = new Place(t, { "thrower.ts": source });
  for (const [what, text] of Object.entries(expected)) {
    const common = ["run", "thrower.ts", "--param", `what=${what}`, "-o", "-"];
    const judged = await place.run(...common, "--sequential");
    const worked = await place.run(...common, "--local");
    assert.ok(judged.err.includes(`${text}\n`), judged.err);
    assert.ok(worked.err.includes(text), worked.err);
  }
});

test("X8: causes, parts and thrown objects are reported by tabs", options, async (t) => {
  const cluster = await startCluster(t, "--workers", "0");
  await isJoined(await joinIn(await chromium.newContext(t), cluster.link));
  cluster.place.write("thrower.ts", source);
  for (const [what, text] of Object.entries(expected)) {
    const { err } = await cluster.place.run(
      "run",
      "thrower.ts",
      "--param",
      `what=${what}`,
      "-o",
      "-",
    );
    assert.ok(err.includes(text), err);
  }
});
