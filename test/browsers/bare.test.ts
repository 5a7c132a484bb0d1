/** Basic browsers, which speak only the base browser protocol, written here and in Python, against
 *  the real programs. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { testMaxMs } from "../../src/store/testing/patience.ts";
import { announced } from "../fixtures/cluster.ts";
import { Place } from "../fixtures/place.ts";
import { repository } from "../fixtures/programs.ts";
import { Started } from "../fixtures/started.ts";
import { pythonWith } from "../python/find.ts";

const job = join(repository, "examples", "word-count", "job.ts");
const text = `${"the quick brown fox jumps over the lazy dog\n".repeat(2_000)}Zebra ünïcode 海\n`;
const timeoutMs = testMaxMs;

function say(action: string, data: object): string {
  return JSON.stringify({ status: 1, message: "", action, data });
}

/** Counts words as the example does; the WebSocket is Node's own, not the product's. */
function bareBrowser(base: string): { readonly socket: WebSocket; tasks: number } {
  const socket = new WebSocket(`${base.replace("http", "ws")}/tab`);
  const browser = { socket, tasks: 0 };
  socket.addEventListener("open", () => socket.send(say("connect", { speed: 1_000 })));
  socket.addEventListener("message", ({ data: said }) => {
    const { action, data } = JSON.parse(String(said));
    if (action === "ping") socket.send(say("pong", {}));
    if (action !== "task") return;
    browser.tasks++;
    compute(base, data).then(
      (url) => socket.send(say("finish", { type: data.type, tid: data.tid, url })),
      (error) => socket.send(say("error", { error: String(error) })),
    );
  });
  return browser;
}

async function compute(base: string, task: { type: string; url: string[] }): Promise<string[]> {
  const place = task.url[0]!.replace(/\/in\/.*/, "");
  const read = async (url: string) => (await fetch(base + url)).text();
  const put = async (part: number, body: string): Promise<string> => {
    const answer = await fetch(`${base}${place}/out/${part}`, { method: "PUT", body });
    return ((await answer.json()) as { url: string }).url;
  };
  const counts = new Map<string, number>();
  const add = (word: string, n: number) => void counts.set(word, (counts.get(word) ?? 0) + n);
  if (task.type === "m") {
    for (const word of (await read(task.url[0]!)).match(/\p{L}+/gu) ?? [])
      add(word.toLowerCase(), 1);
    return [await put(0, [...counts].map((pair) => JSON.stringify(pair)).join("\n"))];
  }
  for (const url of task.url) {
    for (const line of (await read(url)).split("\n").filter(Boolean)) {
      add(...(JSON.parse(line) as [string, number]));
    }
  }
  const sorted = [...counts].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const rows = sorted.map(([key, value]) => `${JSON.stringify({ key, value })}\n`);
  return [await put(0, rows.join(""))];
}

async function startUp(t: TestContext, ...args: string[]): Promise<{ place: Place; url: string }> {
  const place = new Place(t, { "in.txt": text });
  const up = place.start("up", "--listen", "127.0.0.1:0", "--workers", "0", "--json", ...args);
  const { url } = await announced(up);
  return { place, url };
}

test("basic browsers finish a job, equal to the judge's", async (t) => {
  const { place, url } = await startUp(t, "--anonymous-browsers");
  const browsers = [bareBrowser(url), bareBrowser(url)];
  await Promise.all(browsers.map(({ socket }) => once(socket, "message")));
  t.after(() => browsers.forEach(({ socket }) => void socket.close()));
  const common = ["run", job, "in.txt", "--reducers", "1", "--split-bytes", "20K"];
  const run = await place.run(...common, "--allow-basic-browsers", "-o", "-");
  assert.equal(run.code, 0, run.err);
  const judged = await place.run(...common, "--sequential", "-o", "-");
  assert.equal(judged.code, 0, judged.err);
  assert.ok(run.out.length > 100);
  assert.equal(run.out, judged.out);
  assert.ok(
    browsers.every(({ tasks }) => tasks > 0),
    "both have worked",
  );
});

test("without leave, such browsers are refused and get no work", async (t) => {
  const { url } = await startUp(t);
  const { socket } = bareBrowser(url);
  const heard: string[] = [];
  socket.addEventListener("message", ({ data }) => void heard.push(String(data)));
  const [{ code }] = (await once(socket, "close")) as unknown as [{ code: number }];
  assert.equal(code, 1008);
  assert.match(heard.join(), /"status":0,.*by the link/);
});

const python = pythonWith("websockets");
const skip = python === null && "no Python with websockets (Debian: python3-websockets)";

function startPython(t: TestContext, script: string, ...args: string[]): Started {
  const path = join(repository, "test", "browsers", script);
  return Started.during(t, [python!, path, ...args]);
}

test("a browser in Python counts words for the cluster", {
  skip,
  timeout: timeoutMs,
}, async (t) => {
  const { place, url } = await startUp(t, "--anonymous-browsers");
  const socket = `${url.replace("http", "ws")}/tab`;
  await startPython(t, "bare_browser.py", socket, url, "1").nextLine();
  const common = ["run", job, "words.txt", "--reducers", "1", "--split-bytes", "2K"];
  place.write("words.txt", "a bb ccc a\n".repeat(1_000));
  const run = await place.run(...common, "--allow-basic-browsers", "-o", "-");
  assert.equal(run.code, 0, run.err);
  const rows = run.out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(rows, [
    { key: "a", value: 2_000 },
    { key: "bb", value: 1_000 },
    { key: "ccc", value: 1_000 },
  ]);
});

test("a JobTracker and browsers in Python use a gateway", {
  skip,
  timeout: timeoutMs,
}, async (t) => {
  const place = new Place(t);
  const gateway = place.start("gateway", "--listen", "127.0.0.1:0");
  const [, address] = /browsers +anyone, at (ws:\S+)/.exec(await gateway.said("browsers"))!;
  const { err, out } = await startPython(t, "bare_tracker.py", address!).ended;
  assert.equal(out.trim(), "ok", err);
});
