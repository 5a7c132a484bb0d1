/** A real tab whose code was changed on its way into the browser, beside an honest tab and an own
 *  worker: it earns trust, then lies, is caught, and what it computed before is computed again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { BrowserContext } from "playwright-core";
import type { JobSummary, WorkerSummary } from "../../src/core/summary.ts";
import { options, sharedChromium } from "../browsers/chromium.ts";
import { type Cluster, isJoined, joinIn, startCluster } from "../browsers/cluster.ts";

const chromium = sharedChromium();

/** Items that take a moment, so that each worker gets some. */
const squares = `import { tasks } from "tequio";
export default tasks({
  share: "volunteers",
  params: { from: 0, count: 0 },
  items: ({ from, count }) => Array.from({ length: count }, (_, n) => from + n),
  async run(n: number) {
    await new Promise((done) => setTimeout(done, 4));
    return n * n;
  },
});
`;
/** Results from this on are wrong by 1. */
const liesFrom = 1_000_000;
/** The last line of what a task's Worker runs, in the page's own script as a text. */
const mark = "//# sourceURL=/tequio/task.js";
const lie = [
  "const give=MessagePort.prototype.postMessage;",
  "MessagePort.prototype.postMessage=function(message,...more){",
  "if(Array.isArray(message?.values))message.values=message.values.map((value)=>",
  `Number(value)>=${liesFrom}?String(Number(value)+1):value);`,
  "return give.call(this,message,...more)};",
].join("");

async function changeCode(context: BrowserContext): Promise<() => number> {
  let changed = 0;
  // This one alone: a script that a Worker imports cannot be changed so.
  await context.route("**/*task-code*.js", async (route) => {
    const response = await route.fetch();
    const code = await response.text();
    if (code.includes(mark)) changed++;
    await route.fulfill({ response, body: code.replace(mark, () => `${lie}${mark}`) });
  });
  return () => changed;
}

async function linkOf({ place, url }: Cluster, ...owner: string[]): Promise<string> {
  const made = await place.run("token", "create", "--role", "volunteer", ...owner);
  assert.equal(made.code, 0, made.err);
  return `${url}/j#${made.out.trim()}`;
}

/** Its result, and what became of it. */
async function compute({ place }: Cluster, from: number, count: number, ...more: string[]) {
  place.write("squares.ts", squares);
  const given = ["--param", `from=${from}`, "--param", `count=${count}`];
  const { code, err, out } = await place.run("run", "squares.ts", ...given, "-o", "-", ...more);
  assert.equal(code, 0, err);
  const expected = Array.from({ length: count }, (_, n) => (from + n) ** 2);
  assert.deepEqual(out.trim().split("\n").map(Number), expected);
  return /j-\d+/.exec(err)![0];
}

async function asked<T>({ place }: Cluster, ...command: string[]): Promise<T> {
  const { code, err, out } = await place.run(...command, "--json");
  assert.equal(code, 0, err);
  return JSON.parse(out) as T;
}

test("X10: a tab with changed code is caught, and its earlier results are rechecked", {
  ...options,
}, async (t) => {
  const cluster = await startCluster(t, "--workers", "1");
  const context = await chromium.newContext(t);
  const isChanged = await changeCode(context);
  const liar = await joinIn(context, await linkOf(cluster));
  const honest = await joinIn(
    await chromium.newContext(t),
    await linkOf(cluster, "--owner", "ana"),
  );
  await Promise.all([isJoined(liar), isJoined(honest)]);
  const standing = async () => {
    const workers = await asked<WorkerSummary[]>(cluster, "workers", "--all");
    const tabs = workers.filter(({ volunteer }) => volunteer !== undefined);
    assert.equal(tabs.length, 2, JSON.stringify(tabs));
    return tabs;
  };
  // Honest until it is believed, as far as one job goes; then most results of it are not compared.
  for (let n = 0; (await standing()).some(({ volunteer }) => (volunteer?.valid ?? 0) < 20); n++) {
    assert.ok(n < 5, JSON.stringify(await standing()));
    await compute(cluster, 0, 120);
  }
  assert.ok(isChanged() > 0, "the page's script was changed");
  const before = await compute(cluster, 0, 150);
  assert.equal((await asked<JobSummary>(cluster, "status", before)).doubtful, undefined);
  // Wrong from here on; of a quorum each result is compared.
  const last = await compute(cluster, 1_000, 60, "--trust", "quorum");
  const [first, second] = await standing();
  const caught = [first, second].filter((tab) => tab?.volunteer?.caught !== undefined);
  assert.equal(caught.length, 1, JSON.stringify([first, second]));
  assert.equal(caught[0]?.volunteer?.caught?.job, last);
  // Its link names no person, so that it answers for itself alone; that of the other tab does.
  assert.equal(caught[0]?.volunteer?.person, caught[0]?.worker);
  assert.ok([first, second].some((tab) => tab?.volunteer?.person === "ana"));
  await liar.waitForSelector('[data-phase="refused"]');
  await isJoined(honest);
  const { doubtful = 0 } = await asked<JobSummary>(cluster, "status", before);
  assert.ok(doubtful > 0, "only the liar vouches for some results of the earlier job");
  const again = await cluster.place.run("recheck", before);
  assert.equal(again.code, 0, again.err);
  const tasks = `${doubtful} doubtful task${doubtful === 1 ? "" : "s"} of ${before}`;
  assert.ok(again.out.startsWith(`${tasks} computed again: the same results`), again.out);
});
