/** The Try page in a real Chromium with a real cluster: a job is written, checked, run in its
 *  sandbox and seen as table and bars; and run on the cluster, with the same plan as that of
 *  `tequio run`, the same result as the judge's, errors in the editor's lines. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import type { Browser, Page } from "playwright-core";
import type { JobSpec } from "../../src/core/job.ts";
import { pyodideFolder } from "../../src/gateway/tab-python.ts";
import { waitMaxMs } from "../../src/store/testing/patience.ts";
import type { Output } from "../../src/wire/api/messages.ts";
import { type Cluster, startCluster } from "../browsers/cluster.ts";
import { findChromium, startChromium } from "../simulation/chromium.ts";
import { fits, openScreen, type Screen, violations } from "./screens.ts";

const found = findChromium();
const skip = found === null ? "no Chromium: set CHROMIUM to the path of one" : false;
let browser: Browser | null = null;
before(async () => {
  if (found !== null) browser = await startChromium(found);
});
after(() => browser?.close());

async function tokenOf({ place }: Cluster, role: string): Promise<string> {
  const { out } = await place.run("token", "create", "--role", role, "--owner", "ana", "--json");
  return (JSON.parse(out) as { token: string }).token;
}

async function openTry(cluster: Cluster, token: string): Promise<Screen> {
  const screen = await openScreen(browser!, `${cluster.url}/try#token=${token}`);
  await screen.page.waitForSelector("#run-on-cluster:not([disabled])");
  return screen;
}

/** The job's id, once it has ended in this state. */
async function ran(page: Page, state: "done" | "failed"): Promise<string> {
  await page.click("dialog button[type=submit]");
  await page.waitForURL(/\/jobs\/j-\d+$/);
  await page.waitForSelector(`.chip.${state}`);
  return page.url().split("/").at(-1)!;
}

async function asked<T>({ url }: Cluster, token: string, path: string): Promise<T> {
  const answer = await fetch(url + path, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(answer.status, 200, path);
  return (await answer.json()) as T;
}

async function resultOf(cluster: Cluster, token: string, job: string): Promise<string> {
  const { parts } = await asked<Output>(cluster, token, `/v1/jobs/${job}/output`);
  let text = "";
  for (const { hash } of parts) {
    const headers = { authorization: `Bearer ${token}` };
    text += await (await fetch(`${cluster.url}/v1/blobs/${hash}`, { headers })).text();
  }
  return text;
}

const words = `import { count, type Emit, mapReduce, text } from "tequio";
type Least = { readonly least: number };
export default mapReduce({
  params: { least: 2 } as Least,
  input: text.words({ lowercase: true }),
  map: (word, emit: Emit<string, number>, { params }) => {
    if (word === "bush") count("bushes");
    if (word.length >= params.least) emit(word, 1);
  },
  combine: (a, b) => a + b,
});
`;
const thrown = `import { tasks } from "tequio";

type Item = {
  readonly n: number;
};

export default tasks({
  attempts: 1,
  items: [{ n: 1 } as Item],
  run: ({ n }) => {
    throw new RangeError(\`no \${n} here\`);
  },
});
`;
const captured = `import { tasks } from "tequio";

let n = 0;
export default tasks({ items: [1, 2], run: () => n++ });
`;

async function write(page: Page, job: string): Promise<void> {
  await page.waitForSelector("#run-on-cluster:not([disabled])");
  await page.fill(".cm-content", job);
  await page.click("#run-on-cluster");
}

/** Equal to what `tequio run` submits but for the name, which was not asked for, and the code,
 *  which another bundler writes. Returns whether that is equal, too. */
async function planned(
  ...[cluster, token, job, args, file = "job.ts"]: [Cluster, string, string, string[], string?]
) {
  const to = ["--detach", "--json", "--url", cluster.url, "--token", token];
  const run = await cluster.place.run("run", file, ...args, ...to);
  assert.equal(run.code, 0, run.err);
  const { job: other } = JSON.parse(run.out) as { job: string };
  const specs = [job, other].map((id) => asked<JobSpec>(cluster, token, `/v1/jobs/${id}/spec`));
  const [mine, theirs] = (await Promise.all(specs)) as [JobSpec, JobSpec];
  assert.deepEqual(mine, { ...theirs, codeHash: mine.codeHash, name: mine.name });
  return mine.codeHash === theirs.codeHash;
}

test("jobs of the editor run here and on the cluster", { skip }, async (t) => {
  const cluster = await startCluster(t, "--workers", "1");
  const token = await tokenOf(cluster, "submitter");
  const { errors, page } = await openTry(cluster, token);
  const by: By = { cluster, page, token };
  await t.test("here: with types, on a sample, seen as table and bars", () => here(by));
  await t.test("planned as by tequio run, with the result of the judge", () => judged(by));
  await t.test("refusals and errors have the lines of the editor", () => errorsAt(by));
  await t.test(
    "jobs in Python run here, and on the cluster as by tequio run",
    {
      skip: pyodideFolder() === null ? "the package pyodide is not installed" : false,
    },
    () => inPython(by),
  );
  await t.test("files and what is shared are planned as by tequio run", () => files(by));
  await t.test("a reader sees which token to ask for, on a phone as well", () => looking(by));
  assert.deepEqual(errors, []);
});

type By = { readonly cluster: Cluster; readonly page: Page; readonly token: string };

async function here({ page }: By): Promise<void> {
  await page.click("#run:not([disabled])");
  await page.waitForSelector(".rows >> text=the");
  assert.match((await page.textContent(".bars"))!, /^the11is3/);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await violations(page), [], colorScheme);
  }
  await fits(page);
  await page.selectOption("main select", "tasks");
  await page.click("#run");
  await page.waitForSelector("text=9 takes 19 steps");
  await page.fill(".cm-content", "const n: number = 'one';\nexport default n;");
  await page.waitForSelector(".cm-lintRange-error");
  await page.click("#run");
  await page.waitForSelector("[role=alert]");
  const probe = `import { tasks } from "tequio";
const run = () => fetch("/v1/me").then(() => "out", () => "kept in");
export default tasks({ items: [0], run });`;
  await page.fill(".cm-content", probe);
  await page.click("#run");
  await page.waitForSelector(".rows >> text=kept in");
  await page.selectOption("main select", "words");
}

const pythonWords = `from tequio import log, map_reduce, text
def each(word, emit, context):
    if word == "bush":
        log("a bush at", context.offset)
    if len(word) >= context.params["least"]:
        emit(word, 1)
job = map_reduce(input=text.words(), map=each, combine=lambda a, b: a + b, params={"least": 2})
`;

async function inPython({ cluster, page, token }: By): Promise<void> {
  const { place } = cluster;
  const later = { timeout: waitMaxMs };
  await page.selectOption("main select", "salesPython");
  await page.click("#run:not([disabled])");
  await page.waitForSelector(".rows >> text=2100", later);
  await page.selectOption("main select", "wordsPython");
  await page.fill(".cm-content", pythonWords);
  await page.click("#run");
  await page.waitForSelector("text=a bush at", later);
  await page.fill(".cm-content", pythonWords.replace("len(word)", "len(1)"));
  await page.click("#run");
  await page.waitForSelector("[role=alert] >> text=/TypeError.*job.py:5/", later);
  place.write("job.py", pythonWords);
  place.write("sample.txt", await page.inputValue("textarea"));
  await write(page, pythonWords);
  await page.waitForSelector("dialog form", later);
  await page.fill("dialog fieldset .row input[type=text]", "4");
  const job = await ran(page, "done");
  const args = ["sample.txt", "--param", "least=4"];
  const judge = await place.run("run", "job.py", ...args, "--sequential", "-o", "-");
  assert.equal(await resultOf(cluster, token, job), judge.out, judge.err);
  assert.ok(await planned(cluster, token, job, args, "job.py"), "the code is the same zip");
  await page.goBack();
  // Chosen before the editor has opened with what was there.
  await page.selectOption("main select", "words");
  await page.waitForSelector(".cm-content >> text=mapReduce");
}

async function judged({ cluster, page, token }: By): Promise<void> {
  const { place } = cluster;
  place.write("job.ts", words);
  place.write("sample.txt", await page.inputValue("textarea"));
  await write(page, words);
  await page.waitForSelector("dialog form");
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await violations(page), [], colorScheme);
  }
  await page.fill("dialog fieldset .row input[type=text]", "4");
  const job = await ran(page, "done");
  await page.waitForSelector(".counters >> text=bushes");
  const args = ["sample.txt", "--param", "least=4"];
  const judge = await place.run("run", "job.ts", ...args, "--sequential", "-o", "-");
  assert.equal(await resultOf(cluster, token, job), judge.out, judge.err);
  await planned(cluster, token, job, args);
  await page.goBack();
  // What was written is still there.
  await page.waitForSelector(".cm-content >> text=bushes");
}

async function errorsAt({ page }: By): Promise<void> {
  await write(page, captured);
  await page.waitForSelector('dialog [role=alert] >> text=/job.ts:4:50.*uses "n"/');
  await page.keyboard.press("Escape");
  await write(page, thrown);
  await page.waitForSelector("dialog form");
  await page.click("dialog .row.right button:not(.main)");
  await page.click("#run");
  await page.waitForSelector("[role=alert] >> text=/no 1 here.*job.ts:11/");
  await page.click("#run-on-cluster");
  await ran(page, "failed");
  await page.waitForSelector(".notice.bad >> text=/no 1 here.*job.ts:11/");
  await page.goBack();
}

/** Large enough that a sort looks at its input, for where its partitions begin. */
async function files({ cluster, page, token }: By): Promise<void> {
  const { place } = cluster;
  const job = 'import { text } from "tequio";\nexport default text.lines().sort();\n';
  place.write("job.ts", job);
  const lines = (bytes: number) => randomBytes(bytes).toString("base64").replace(/.{76}/g, "$&\n");
  const plain = place.write("plain.txt", lines(8_000_000));
  const packed = join(place.dir, "packed.txt.gz");
  writeFileSync(packed, gzipSync(lines(7_000_000), { level: 1 }));
  const sharing = place.start("share", "plain.txt", "--as", "ana", "--json");
  await sharing.said("]}\n");
  await write(page, job);
  await page.check("dialog input[value=files]");
  await page.setInputFiles("dialog input[type=file]", [plain, packed]);
  const own = await ran(page, "done");
  const names = [plain, packed].map((path) => basename(path));
  const isSame = await planned(cluster, token, own, names);
  assert.ok(isSame, "operators have one code for all");
  await page.goBack();
  await write(page, job);
  await page.check("dialog input[value=shared]");
  await page.fill("dialog input[list]", "shared:plain.txt");
  const shared = await ran(page, "done");
  await planned(cluster, token, shared, ["shared:plain.txt"]);
}

async function looking({ cluster }: By): Promise<void> {
  const token = await tokenOf(cluster, "reader");
  const look = { width: 375, height: 740, language: "es-MX" };
  const { page } = await openScreen(browser!, `${cluster.url}/try#token=${token}`, look);
  await page.click("#run-on-cluster:not([disabled])");
  await page.waitForSelector("dialog >> text=tequio token create --role submitter");
  assert.equal(await page.locator("dialog form").count(), 0);
  assert.deepEqual(await violations(page), []);
  await fits(page);
  await page.keyboard.press("Escape");
  await page.waitForSelector("dialog", { state: "detached" });
}
