/** A share of the time: how a task keeps to it by itself, and how its slot corrects it
 *  afterwards. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { taskCode } from "../../scripts/browsers/tab-code.ts";
import type { TaskOrder } from "../../src/worker/browser/contract.ts";
import { Rests } from "../../src/worker/browser/tab/slots/rests.ts";
import { options, sharedChromium } from "./chromium.ts";
import { isJoined, joinIn, startCluster } from "./cluster.ts";
import { runInTab } from "./in-tab.ts";

const chromium = sharedChromium();

/** A list of one item that works 20 times 40 ms, and says `count` between: one long call. */
const longItem = `
export default { kind: "tasks", options: { run(item) {
  for (let part = 0; part < 20; part++) {
    const until = performance.now() + 40;
    while (performance.now() < until);
    if (item.counts) globalThis[Symbol.for("tequio.runtime")].count("parts", 1);
  }
  return item;
} } };`;

function orderOf(item: object): TaskOrder {
  return {
    kind: "tasks",
    group: "rests",
    stage: 0,
    code: longItem,
    plan: { version: 1, params: {}, files: [], splits: [], reducers: 0, spillBytes: 1 } as never,
    attempts: [{ task: 0, attempt: 1 }],
    pieces: [],
    segments: [],
    items: [JSON.stringify(item)],
    filesMaxBytes: 1_000_000,
    around: {},
  };
}

/** How long the task announced that it would rest, ms, and its result. */
async function rested(item: object, share: number) {
  const page = await (await chromium.browser()).newPage();
  const { messages } = await runInTab(page, await taskCode(), orderOf(item), share);
  await page.close();
  const rests = messages.flatMap((one) => (one.kind === "resting" ? [one.ms] : []));
  const ends = messages.map(({ kind }) => kind).filter((kind) => kind !== "resting");
  return { ms: rests.reduce((sum, ms) => sum + ms, 0), count: rests.length, ends };
}

test("a long item rests inside, wherever it calls us", options, async () => {
  const half = await rested({ counts: true }, 0.5);
  assert.ok(half.count >= 5, `${half.count} rests`);
  assert.ok(half.ms >= 600, `${half.ms} ms of rest for 800 ms of work`);
  const whole = await rested({ counts: true }, 1);
  assert.deepEqual([whole.count, whole.ends], [0, half.ends]);
});

test("one that calls nothing rests after itself", options, async () => {
  const { count, ms } = await rested({ counts: false }, 0.5);
  assert.equal(count, 1);
  assert.ok(ms >= 700, `${ms} ms of rest for 800 ms of work`);
});

test("rests do not count against the time limit of an item", options, async (t) => {
  const { link, place } = await startCluster(t, "--workers", "0");
  const page = await joinIn(await chromium.newContext(t), link);
  await isJoined(page);
  await page.locator("input[type=range]").nth(1).fill("0.1");
  place.write(
    "rests.ts",
    `import { tasks } from "tequio";
    export default tasks({ name: "rests", clock: "real", attempts: 1, timeoutMs: 8_500,
      items: [0, 1],
      run(item: number) { for (const until = Date.now() + 1e3; Date.now() < until;); return item; },
    });`,
  );
  const { code, err, out } = await place.run("run", "rests.ts", "-o", "-");
  assert.equal(code, 0, err);
  assert.equal(out, "0\n1\n");
});

type Slot = { restedMs: number };

/** How long the slot rests now, ms: its timers are the test's. */
async function restOf(t: TestContext, rests: Rests, slot: Slot): Promise<number> {
  let isOver = false;
  void rests.rest(slot).then(() => {
    isOver = true;
  });
  await setImmediate();
  let ms = 0;
  for (; !isOver; ms++) {
    t.mock.timers.tick(1);
    await setImmediate();
  }
  return ms;
}

test("what a task did not rest, its slot rests after it", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const rests = new Rests();
  rests.lend(0.5);
  const slot = { restedMs: 0 };
  rests.ran(slot, 200);
  assert.equal(await restOf(t, rests, slot), 200);
  assert.equal(await restOf(t, rests, slot), 0, "once");
  const good = { restedMs: 100 };
  rests.ran(good, 200);
  assert.equal(await restOf(t, rests, good), 0, "it has rested enough");
});

test("a task that reports more rest than needed has no credit", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const rests = new Rests();
  rests.lend(0.1);
  const slot = { restedMs: 1e9 };
  rests.ran(slot, 100);
  slot.restedMs = 0;
  rests.ran(slot, 20);
  assert.equal(await restOf(t, rests, slot), 180, "and has nothing in hand for the next");
});

test("a larger share cancels the rest that a smaller one required", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const rests = new Rests();
  rests.lend(0.1);
  const slot = { restedMs: 0 };
  rests.ran(slot, 60_000);
  const resting = rests.rest(slot);
  rests.lend(1);
  await resting;
  assert.equal(await restOf(t, rests, slot), 0);
});
