/** Job code has the same environment in a task process, in a tab, and under the judge; the judge's
 *  machine and the tab's user have another time zone and language. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { taskCode } from "../../scripts/browsers/tab-code.ts";
import type { Failure } from "../../src/core/job.ts";
import { evenGlobals, globalNames } from "../../src/environment/globals.ts";
import { temporaryDir } from "../../src/store/testing/at-end.ts";
import { resultOf } from "../../src/worker/slot/testing.ts";
import { options, sharedChromium } from "../browsers/chromium.ts";
import { runInTab } from "../browsers/in-tab.ts";
import { probeCode } from "./probe.ts";

type Seen = Readonly<Record<string, unknown>> & {
  readonly globals: readonly string[];
  readonly members: readonly string[];
  readonly absent: Readonly<Record<string, string>>;
};

const count = 20_000;
const around = { frozenAtMs: Date.UTC(2026, 2, 7, 10, 30, 5, 7) };
const elsewhere = { TZ: "America/Mexico_City", LC_ALL: "tr_TR.UTF-8", LANG: "tr_TR.UTF-8" };
const cli = join(import.meta.dirname, "..", "..", "bin", "tequio.js");
const { newContext } = sharedChromium();

function seen(result: unknown): Seen {
  assert.equal(typeof result, "string", JSON.stringify(result));
  return JSON.parse(result as string) as Seen;
}

let seenByTask: Promise<Seen> | null = null;
/** What a task process sees. */
function byTask(t: TestContext): Promise<Seen> {
  seenByTask ??= resultOf(t, { top: probeCode, run: `return look(${count});`, around }).then(seen);
  return seenByTask;
}

test("a task process has the globals of the list and no others", async (t) => {
  const { globals, absent } = await byTask(t);
  assert.deepEqual(globals, globalNames);
  assert.deepEqual([...new Set(Object.values(absent))], ["ReferenceError"]);
});

test("members that engines gain later are removed, and restored after a job", () => {
  const owners = [Array, Map.prototype, Math, Int8Array, URL.prototype, Response.prototype];
  for (const owner of owners) {
    Object.defineProperty(owner, "later", { value: () => {}, configurable: true });
  }
  const has = () => owners.map((owner) => Object.hasOwn(owner, "later"));
  // Of a version whose members are not known.
  const restore = evenGlobals({ undici: "1000.0.0" });
  const [between, isKept] = [has(), Object.hasOwn(Array.prototype, "map")];
  restore();
  const after = has();
  for (const owner of owners) Reflect.deleteProperty(owner, "later");
  assert.deepEqual(between, Array(owners.length).fill(false));
  assert.deepEqual(after, Array(owners.length).fill(true));
  assert.ok(isKept);
});

test("a task process is in UTC and speaks American English", async (t) => {
  const { dates, language, prototypes } = await byTask(t);
  const [ms, hours] = dates as number[];
  assert.deepEqual([ms, hours], [Date.UTC(2026, 2, 7, 10, 30, 5, 7), 10]);
  assert.equal((language as string[])[0], "1,234,567.891");
  assert.deepEqual(prototypes, ["inherited", ["__proto__"], true, false]);
});

test("a tab of a Turkish user in Mexico sees what a task process sees", options, async (t) => {
  const context = await (await (await newContextOf(t)).browser())!.newContext({
    locale: "tr-TR",
    timezoneId: elsewhere.TZ,
  });
  t.after(() => context.close());
  const page = await context.newPage();
  const code = `${probeCode}
    export default { kind: "tasks", options: { items: [], run: () => look(${count}) } };`;
  const plan = { version: 1, files: [], splits: [], items: null, params: {}, reducers: 0 };
  const order = {
    ...{ kind: "tasks", code, plan, attempts: [{ task: 0, attempt: 1 }] },
    ...{ pieces: [], segments: [], items: ["0"], filesMaxBytes: 1 << 24, around },
  };
  const { messages } = await runInTab(page, await taskCode(), order as never);
  const results = messages.find(
    (one) => (one as { kind: string }).kind === "results",
  ) as unknown as { values: string[] };
  assert.ok(results !== undefined, JSON.stringify(messages).slice(0, 2_000));
  equalSeen(seen(JSON.parse(results.values[0] as string)), await byTask(t));
});

async function newContextOf(t: TestContext) {
  const context = await newContext(t);
  return { browser: () => context.browser() };
}

test("the judge of a Turkish user in Mexico sees what a task process sees", async (t) => {
  const values = await judged(
    t,
    `export default tasks({ items: [0], run: () => look(${count}) });`,
  );
  const found = seen(JSON.parse(values));
  equalSeen(found, await byTask(t), "clock");
  const [now, , , steady, origin] = found.clock as number[];
  assert.deepEqual([steady, origin], [0, now]);
});

test("the judge's clock stands still unless it is real", async (t) => {
  const wait = "new Promise((done) => setTimeout(done, 5))";
  const job = (more: string) =>
    `export default tasks({ ${more} items: [0, 1], output: "text", run: async () => {
      const began = Date.now();
      await ${wait};
      return [Date.now() - began, performance.now()];
    } });`;
  assert.equal(await judged(t, job("")), "0\t[0,0]\n1\t[0,0]\n");
  const real = await judged(t, job('clock: "real",'));
  assert.doesNotMatch(real, /\[0,|,0\]/);
});

test("crypto is refused where volunteers compute, with what to do", async (t) => {
  const run =
    "return crypto.randomUUID().length + crypto.getRandomValues(new Uint8Array(4)).length;";
  assert.equal(await resultOf(t, { run }), 40);
  const { message } = (await resultOf(t, { run, around: { refusesChance: true } })) as Failure;
  assert.match(message, /crypto.randomUUID is refused.*Use Math.random.*chance: "real"/);
  const shared = 'export default tasks({ items: [0], share: "volunteers", CHANCE run: () => "x" + ';
  const draws = `${shared} crypto.getRandomValues(new Uint8Array(4)).length });`;
  await assert.rejects(judged(t, draws.replace("CHANCE", "")), /getRandomValues is refused/);
  assert.equal(await judged(t, draws.replace("CHANCE", 'chance: "real",')), '"x4"\n');
});

test("the top of a job file has no more under the judge than on workers", async (t) => {
  const atTop = (kinds: string) => `const kinds = ${kinds};
export default tasks({ items: [0], run: () => kinds });`;
  const some = "[typeof SharedArrayBuffer, typeof setImmediate, typeof Buffer]";
  assert.equal(await judged(t, atTop(some)), '["undefined","undefined","function"]\n');
  await assert.rejects(
    judged(t, atTop("new SharedArrayBuffer(4).byteLength")),
    /SharedArrayBuffer is not defined: job code has no SharedArrayBuffer.*use ArrayBuffer/s,
  );
});

test("process.exit in job code fails the judge, with what to do", async (t) => {
  await assert.rejects(
    judged(t, "export default tasks({ items: [0], run: () => process.exit(0) });"),
    (error: { code?: number; stderr?: string }) => {
      assert.notEqual(error.code, 0);
      assert.match(String(error.stderr), /process is not defined: job code has no process on any/);
      return true;
    },
  );
});

test("a promise that nothing settles fails the judge, and does not end it with 0", async (t) => {
  await assert.rejects(
    judged(t, "export default tasks({ items: [0], run: () => new Promise<void>(() => {}) });"),
    (error: { code?: number; stderr?: string }) => {
      assert.notEqual(error.code, 0);
      assert.match(String(error.stderr), /nothing settles any more/);
      return true;
    },
  );
});

test("the error for a missing global says what to use instead", async (t) => {
  const run = "globalThis.process?.exit(0); setImmediate(() => {});";
  const failure = (await resultOf(t, { run })) as { message: string };
  assert.match(failure.message, /setImmediate is not defined: job code has no setImmediate on any/);
});

/** `but`: what is another run's own. */
function equalSeen(seen: Seen, expected: Seen, but = ""): void {
  for (const part of Object.keys(expected)) {
    if (part !== but) assert.deepEqual(seen[part], expected[part], part);
  }
}

async function judged(t: TestContext, job: string): Promise<string> {
  const folder = temporaryDir(t, "environment-");
  const file = join(folder, "probe.ts");
  writeFileSync(file, `// @ts-nocheck\nimport { tasks } from "tequio";\n${probeCode}\n${job}\n`);
  const args = [cli, "run", "--sequential", file, "-o", "-"];
  const env = { ...process.env, ...elsewhere };
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  return stdout;
}
