/** `tequio gateway` as a process before a real coordinator: restarts, kills, two of them, TLS,
 *  wrong tokens. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { testMaxMs } from "../../src/store/testing/patience.ts";
import { announced } from "../fixtures/cluster.ts";
import { freePort } from "../fixtures/free-port.ts";
import { Place, type Running } from "../fixtures/place.ts";
import { repository } from "../fixtures/programs.ts";
import { Started } from "../fixtures/started.ts";
import { pythonWith } from "../python/find.ts";
import { ScriptedTab } from "./scripted-tab.ts";

const timeout = testMaxMs;
const job = `import { tasks } from "tequio";
export default tasks({
  items: Array.from({ length: 12 }, (_, i) => i),
  run: (item: number) => item * 2,
});
`;
const result = Array.from({ length: 12 }, (_, i) => `${i * 2}\n`).join("");

type Up = {
  readonly running: Running;
  readonly url: string;
  readonly token: string;
  readonly fingerprint: string;
};

/** A coordinator without workers. */
async function up(place: Place, listen: string, ...args: string[]): Promise<Up> {
  const running = place.start("up", "--workers", "0", "--json", "--listen", listen, ...args);
  const told = await announced(running);
  const [, token = ""] = /--token (\S+)/.exec(told.join) ?? [];
  const [, fingerprint = ""] = /--fingerprint (\S+)/.exec(told.join) ?? [];
  return { running, url: told.url.replace(/\/\/[\d.]+:/, "//127.0.0.1:"), token, fingerprint };
}

async function gatewayOf(
  place: Place,
  { fingerprint, token, url }: Up,
  ...args: string[]
): Promise<{ readonly running: Running; readonly url: string }> {
  const pin = fingerprint === "" ? [] : ["--fingerprint", fingerprint];
  const listen = args.includes("--listen") ? [] : ["--listen", `127.0.0.1:${await freePort()}`];
  const common = ["gateway", "--json", "--tracker", url, "--token", token, ...pin, ...listen];
  const running = place.start(...common, ...args);
  const said = await running.said('"pid"');
  const line = said.split("\n").find((one) => one.startsWith("{")) ?? "";
  return { running, url: (JSON.parse(line) as { url: string }).url };
}

function newPlace(t: TestContext): Place {
  return new Place(t, { "job.ts": job });
}

/** Detached, so that no client depends on a coordinator that is killed. */
async function submit(place: Place): Promise<string> {
  const { code, err, out } = await place.run("run", "job.ts", "--detach");
  assert.equal(code, 0, err);
  return /j-\d+/.exec(out + err)?.[0] ?? "";
}

async function collect(place: Place, id: string): Promise<string> {
  const { code, err, out } = await place.run("attach", id, "-o", "-");
  assert.equal(code, 0, err);
  return out;
}

test("two gateways, pinned TLS: a tab closed mid-task loses nothing, Ctrl-C disconnects", {
  timeout,
}, async (t) => {
  const place = newPlace(t);
  const cluster = await up(place, "0.0.0.0:0");
  assert.match(cluster.url, /^https:/);
  const [first, second] = await Promise.all([gatewayOf(place, cluster), gatewayOf(place, cluster)]);
  const [closing, staying] = [new ScriptedTab(t, cluster.token), new ScriptedTab(t, cluster.token)];
  await Promise.all([closing.join(first.url), staying.join(second.url)]);
  const id = await submit(place);
  await closing.task();
  closing.vanish();
  const worked = staying.work();
  // It may come back for 30 s; its gateway knows sooner that it will not when it is disconnected.
  first.running.child.kill("SIGKILL");
  assert.equal(await collect(place, id), result);
  const { out: found } = await place.run("doctor", "--json");
  assert.match(found, /"good","topic":"gateway"/);
  assert.equal(found.match(/"topic":"gateway"/g)?.length, 1, "the killed one is not there");
  const atMs = performance.now();
  second.running.child.kill("SIGINT");
  const ended = await staying.closed;
  assert.equal(ended?.code, 1001);
  assert.ok((ended?.atMs ?? 0) - atMs < 28_000, "long before the tab could be lost");
  const { code, err } = await second.running.ended;
  assert.equal(code, 0, err);
  assert.equal(await worked, 12);
});

test("a coordinator that is killed finds its tabs and their tasks again; so does a new gateway", {
  timeout,
}, async (t) => {
  const place = newPlace(t);
  const before = await up(place, `127.0.0.1:${await freePort()}`);
  const gateway = await gatewayOf(place, before);
  const tab = new ScriptedTab(t, before.token);
  await tab.join(gateway.url);
  const [worker, id] = [tab.worker, await submit(place)];
  const held = await tab.task();
  before.running.child.kill("SIGKILL");
  await before.running.ended;
  await gateway.running.said('"event":"apart"');
  const listen = before.url.replace("http://", "");
  const after = await up(place, listen);
  await tab.next("welcome");
  await tab.finish(held);
  // The rest is kept while the gateway dies, and finished through the next one.
  const next = await tab.task().catch(() => null);
  gateway.running.child.kill("SIGKILL");
  await tab.closed;
  const other = await gatewayOf(place, after, "--listen", gateway.url.replace("http://", ""));
  await tab.join(other.url);
  assert.equal(tab.worker, worker, "it came back as the same");
  if (next !== null) await tab.finish(next);
  void tab.work();
  assert.equal(await collect(place, id), result);
  const { out } = await place.run("workers", "--json");
  assert.equal(out.match(/"w-\d+"/g)?.length, 1, out);
});

test("a wrong token or key is reported once, and ends the gateway", { timeout }, async (t) => {
  const place = newPlace(t);
  const cluster = await up(place, "0.0.0.0:0");
  const common = ["gateway", "--listen", "127.0.0.1:0", "--tracker", cluster.url];
  const pin = ["--fingerprint", cluster.fingerprint];
  const other = ["--fingerprint", "0".repeat(64), "--token", cluster.token];
  const [token, key, none] = await Promise.all([
    place.run(...common, ...pin, "--token", "mrt_join_0_0"),
    place.run(...common, ...other),
    place.run(...common, ...pin),
  ]);
  for (const { code, err } of [token, key, none]) {
    assert.equal(code, 2, err);
    assert.equal(err.match(/tequio: unauthenticated:/g)?.length, 1, err);
  }
  assert.match(key.err, /another certificate/);
  assert.match(none.err, /tequio token create/);
});

const python = pythonWith("websockets");

test("a browser in Python counts words by a gateway", {
  skip: python === null && "no Python with websockets (Debian: python3-websockets)",
  timeout,
}, async (t) => {
  const place = new Place(t, { "words.txt": "a bb ccc a\n".repeat(500) });
  const cluster = await up(place, `127.0.0.1:${await freePort()}`, "--anonymous-browsers");
  const gateway = await gatewayOf(place, cluster, "--anonymous");
  const script = join(repository, "test", "browsers", "bare_browser.py");
  const socket = gateway.url.replace("http", "ws");
  const browser = Started.during(t, [python as string, script, socket, gateway.url, "1"]);
  await browser.nextLine();
  const words = join(repository, "examples", "word-count", "job.ts");
  const common = ["run", words, "words.txt", "--reducers", "1", "--split-bytes", "2K", "-o", "-"];
  const { code, err, out } = await place.run(...common, "--allow-basic-browsers");
  assert.equal(code, 0, err);
  assert.equal(out, (await place.run(...common, "--sequential")).out);
});
