/** Jobs in Python in tabs of a real Chromium, by Pyodide: their bytes are CPython's, and what goes
 *  wrong is reported as in a task process. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Page, Route } from "playwright-core";
import { pyodideFolder } from "../../src/gateway/tab-python.ts";
import { polled } from "../../src/store/testing/polled.ts";
import type { PythonIndex } from "../../src/wire/browser/python-index.ts";
import type { Place } from "../fixtures/place.ts";
import { noPython } from "../python/cluster.ts";
import { options as common, sharedChromium } from "./chromium.ts";
import { hasDone, isJoined, joinIn, startCluster } from "./cluster.ts";

const chromium = sharedChromium();
const noPyodide = pyodideFolder() === null ? "the package pyodide is not installed" : false;
const options = { ...common, skip: common.skip || noPython || noPyodide };

async function openTab(t: TestContext, link: string): Promise<Page> {
  const page = await joinIn(await chromium.newContext(t), link);
  await isJoined(page);
  return page;
}

const imports =
  "from tequio import map_reduce, tasks, text, count, log\nimport random, sys, words\n";
const wordCount = `${imports}
def map(line, emit, context):
    while context.params["halts"] and line == "for a machine" and sys.platform == "emscripten":
        pass
    n = 0
    for i in range(context.params["spin"]):
        n = (n * 31 + i) % 1000003
    emit.each(words.split(line))
    count("lines")
    emit(("at", context.offset % 7), [random.random(), 2 ** 70 + n])
def reduce(key, values, context):
    values = list(values)
    return sum(values) if isinstance(key, str) else [len(values), values[0][0], random.random()]
job = map_reduce(map=map, reduce=reduce, params={"spin": 0, "halts": False},
    seed="s", backup_tasks=False)
`;

test("a word count in Python in four tabs equals CPython's byte for byte", options, async (t) => {
  const { link, place } = await startCluster(t, "--workers", "0");
  writeInput(place);
  const tabs = await Promise.all(Array.from({ length: 4 }, () => openTab(t, link)));
  const args = "run job.py in.txt --reducers 3 --split-bytes 2K -o -".split(" ");
  const run = await place.run(...args, "--param", "spin=500");
  assert.equal(run.code, 0, run.err);
  const judged = await place.run(...args, "--param", "spin=500", "--sequential");
  assert.equal(run.out, judged.out);
  // One that starts Python later than others may find no task left.
  const { out } = await place.run("workers", "--json");
  const done = (JSON.parse(out) as Array<{ readonly done: number }>).map((one) => one.done);
  assert.equal(done.length, tabs.length);
  assert.ok(done.filter((count) => count > 0).length > 1, `tasks of the tabs: ${done}`);
});

test("P4: tabs and a Node worker share a job, and lost tabs lose nothing", options, async (t) => {
  const { link, place, token, url } = await startCluster(t, "--workers", "0", "--tab-return", "2s");
  writeInput(place);
  const tabs = await Promise.all(Array.from({ length: 2 }, () => openTab(t, link)));
  // The last task never ends in a tab: neither can finish the job before it is gone.
  place.write("in.txt", `${text}for a machine\n`);
  const given = "--reducers 3 --split-bytes 1K -o - --param spin=4000 --param halts=true";
  const args = ["run", "job.py", "in.txt", ...given.split(" ")];
  const running = place.run(...args);
  await Promise.all(tabs.map(hasDone));
  const [closed, crashed] = tabs as [Page, Page];
  await closed.context().close();
  place.start("join", url, "--token", token, "--slots", "1");
  const devtools = await crashed.context().newCDPSession(crashed);
  devtools.send("Page.crash").catch(() => {});
  const run = await running;
  assert.equal(run.code, 0, run.err);
  const judged = await place.run(...args, "--sequential");
  assert.equal(run.out, judged.out);
  const { out } = await place.run("workers", "--all", "--json");
  const workers = JSON.parse(out) as Array<{ readonly done: number; readonly tab: boolean }>;
  for (const tab of [false, true])
    assert.ok(workers.some((one) => one.tab === tab && one.done > 0));
});

const text = "the quick brown fox 海 jumps\nZebra ünïcode 𝄞 lazy dog\n".repeat(600);

function writeInput(place: Place): void {
  place.write("in.txt", text);
  place.write("words.py", "def split(line):\n    return line.split()\n");
  place.write("job.py", wordCount);
}

const around = `${imports}
import asyncio, datetime, locale, os, sys
async def run(n):
    await asyncio.gather(asyncio.sleep(0.02), asyncio.sleep(0.01))
    log("item", {"n": n}, words.__name__)
    count("items", n)
    zone = datetime.datetime(2026, 7, 1).astimezone().tzname()
    return [n, zone, sorted(set(os.environ) - {"PATH"}), random.random(), 3 ** 60, sys.path[0][:1]]
job = tasks(items=range(9), run=run, params={"k": 1})
`;

test("what is around job code in a tab is what the judge has", options, async (t) => {
  const { link, place } = await startCluster(t, "--workers", "0");
  const context = await chromium.newContext(t, { timezoneId: "America/Mexico_City" });
  await isJoined(await joinIn(context, link));
  place.write("words.py", "");
  place.write("around.py", around);
  const run = await place.run("run", "around.py", "-o", "-", "--watch");
  assert.equal(run.code, 0, run.err);
  assert.match(run.err, /item \{"n": 7\} words/);
  assert.equal(run.out, (await place.run("run", "around.py", "-o", "-", "--sequential")).out);
  const { counters } = JSON.parse((await place.run("status", "j-1", "--json")).out);
  assert.deepEqual(counters, { items: 36 });

  await t.test("what goes wrong is reported with its place", async () => {
    for (const [code, expected] of Object.entries(faults)) {
      const full = `from tequio import tasks\nimport os, sys\ndef run(n):\n    ${code}\n`;
      // On a busy machine only what has no end is sure to take so long.
      const limit = code.startsWith("while") ? ", timeout_ms=4000" : "";
      place.write("job.py", `${full}job = tasks(items=[3], run=run, attempts=1${limit})\n`);
      const { code: exit, err } = await place.run("run", "job.py", "-o", "-");
      assert.equal(exit, 1, `${code}: ${err}`);
      assert.match(err, expected, code);
    }
  });

  await t.test("exact mathematics gives the bits of CPython", () => givesExactBits(place));

  await t.test("a job for another engine, or with packages, is not given to it", async () => {
    const waits = async (...args: string[]) => {
      const { out } = await place.run("run", "job.py", "--detach", ...args);
      const why = (await place.run("why", out.trim())).out;
      await place.run("cancel", out.trim());
      return why;
    };
    place.write(
      "job.py",
      'from tequio import tasks\njob = tasks(items=[1], run=id, engine="cpython")\n',
    );
    assert.match(await waits(), /runs on CPython alone, .*Chrome on Linux has Pyodide 3\.14/);
    const refused = await place.run("run", "job.py", "--engine", "pyodide");
    assert.match(refused.err, /the job file says that it runs on cpython alone/);
    place.write(
      "job.py",
      'from tequio import tasks\njob = tasks(items=[1], run=id, requires=["numpy"])\n',
    );
    assert.match(await waits(), /Chrome on Linux lacks numpy/);
    place.write(
      "job.py",
      'from tequio import tasks\njob = tasks(items=[1], run=id, engine="pyodide")\n',
    );
    const local = await place.run("run", "--local", "job.py");
    assert.match(local.err, /none can join --local/);
    assert.equal((await place.run("run", "job.py", "-o", "-")).code, 0);
  });
});

const traces = `${imports}
import asyncio, locale, math, os, platform, time, tequio._tab.process
def run(n):
    flags = str(sys.flags)
    where = [sys.executable, sys.argv, sys.path[1:], sys.prefix, os.getcwd(), os.listdir("/")]
    names = [name for name in sorted(sys.modules) if not name.startswith(("words", "job"))]
    around = [dict(os.environ), time.tzname, locale.getlocale(), platform.platform(), os.getpid()]
    return [flags, where, names, around, hash("text"), sys.getrecursionlimit(), random.random(),
        type(asyncio.get_event_loop_policy()).__name__, sys.version, str(sys.stdin)]
job = tasks(items=[1], run=run, engine="pyodide")
`;

test("Python that starts from the gateway's snapshot is as one without", options, async (t) => {
  const { link, place } = await startCluster(t, "--workers", "0");
  place.write("words.py", "");
  place.write("job.py", traces);
  const tracesIn = async (has: "snapshot" | "none") => {
    const context = await chromium.newContext(t);
    if (has === "none") await context.route("**/python/index.json", withoutSnapshot);
    const statuses: number[] = [];
    context.on("response", (response) => {
      if (response.url().endsWith("/snapshot")) statuses.push(response.status());
    });
    const page = await joinIn(context, link);
    await isJoined(page);
    const { code, err, out } = await place.run("run", "job.py", "-o", "-");
    assert.equal(code, 0, err);
    const used = async () => Number.parseFloat((await page.textContent("#budget-used")) ?? "");
    const usedMb = await polled(used, (mb) => mb > 1);
    await context.close();
    return { out, statuses, usedMb };
  };
  const own = await tracesIn("none");
  assert.deepEqual(own.statuses, []);
  let given = await tracesIn("snapshot");
  // It is made the first time: on a busy machine a tab does not wait for it.
  for (let tries = 1; tries < 5 && given.statuses[0] === 503; tries++) {
    given = await tracesIn("snapshot");
  }
  assert.deepEqual(given.statuses, [200]);
  assert.equal(given.out, own.out);
  assert.ok(given.usedMb < 20, `${given.usedMb} MB: what travels is compressed`);
});

async function withoutSnapshot(route: Route): Promise<void> {
  const response = await route.fetch();
  const { snapshot, ...json } = (await response.json()) as PythonIndex;
  assert.match(String(snapshot), /^\/python\/[0-9a-f]+\/snapshot$/);
  await route.fulfill({ response, json });
}

async function givesExactBits(place: Place): Promise<void> {
  place.write("exact.py", exact);
  const inTab = await place.run("run", "exact.py", "-o", "-", "--engine", "pyodide");
  assert.equal(inTab.code, 0, inTab.err);
  assert.equal(inTab.out, (await place.run("run", "exact.py", "-o", "-", "--sequential")).out);
}

const exact = `from tequio import tasks
import math, random, statistics
one = "acos asin atan atanh cos sin tan exp expm1 log log10 log1p log2 sinh cosh tanh".split()
def run(n):
    xs = [random.random() for _ in range(40)]
    far = [random.uniform(-1e6, 1e6) for _ in xs] + [1e22, 3.5e300]
    got = [getattr(math, name)(x) for name in one for x in xs]
    got += [f(x) for f in (math.sin, math.cos, math.tan, math.atan) for x in far]
    got += [math.atan2(x, y) for x, y in zip(xs, far)] + [math.cbrt(x) for x in far]
    got += [abs(x) ** y for x, y in zip(far, xs)] + [math.hypot(*xs), sum(xs), sum(far[:-1])]
    got += [random.gauss(0, 1), random.expovariate(1), statistics.NormalDist().inv_cdf(xs[0])]
    return [x.hex() for x in got]
job = tasks(items=range(8), run=run, exact=True)
`;

const faults: Readonly<Record<string, RegExp>> = {
  'raise ValueError("no") from KeyError("k")':
    /run raised ValueError: no; caused by KeyError: 'k' on item 0 \(job\.py:4\)/,
  "sys.exit(3)": /run called sys\.exit\(3\) on item 0/,
  "os._exit(4)": /the job called os\._exit\(4\)/,
  "return {1: 2}": /the result of item 0/,
  "while True: pass": /had not ended after 4000 ms/,
  "return run(n)": /RecursionError/,
  "import socket; socket.create_connection(('127.0.0.1', 9), 1)": /not use the network/,
};
