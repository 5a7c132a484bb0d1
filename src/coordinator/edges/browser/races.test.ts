/** Races on the way to the log: tabs that leave while they join, join twice, or hold finished
 *  tasks; revocations; failing writes. */
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { JobSummary, WorkerSummary } from "../../../core/summary.ts";
import { testStage } from "../../../core/testing/fake-cluster.ts";
import { polled } from "../../../store/testing/polled.ts";
import type { CoordinatorOptions } from "../../options.ts";
import { type Opened, opened } from "../../testing/opened.ts";
import { ScriptedGateway } from "./testing/scripted-gateway.ts";

const joinTerms = { ttlMs: 0, usesMax: 0 };

async function cluster(t: TestContext, options: Partial<CoordinatorOptions> = {}) {
  const lines: string[] = [];
  const all = await opened(t, { print: (line) => lines.push(line), ...options });
  const gateway = new ScriptedGateway(all.coordinator);
  return { cluster: all, gateway, lines, token: await all.coordinator.joinToken(joinTerms) };
}

async function workers(all: Opened): Promise<WorkerSummary[]> {
  const answer = await all.call("GET", "/v1/workers");
  return ((await answer.json()) as { workers: WorkerSummary[] }).workers;
}

const isLost = ([one]: WorkerSummary[]) => one?.state === "lost";

test("B1: a tab that leaves before its join is logged is lost at once", async (t) => {
  const { cluster: all, gateway, token } = await cluster(t);
  const joining = gateway.join("1", { token });
  gateway.say({ action: "disconnect", uid: "1" });
  await joining;
  await polled(() => workers(all), isLost);
});

test("B1: a tab whose gateway leaves before the join is logged may come back", async (t) => {
  const { cluster: all, gateway, token } = await cluster(t);
  void gateway.join("1", { token });
  gateway.hangUp();
  const [tab] = await polled(
    () => workers(all),
    ({ length }) => length > 0,
  );
  assert.notEqual(tab?.state, "lost");
  // Basic browsers cannot come back.
  const { cluster: bare, gateway: other } = await cluster(t, { anonymousBrowsers: true });
  other.say({ action: "connect", uid: "1", speed: 1, more: null });
  other.hangUp();
  await polled(() => workers(bare), isLost);
});

test("B3: a tab that is reported twice at once is one worker", async (t) => {
  const { cluster: all, gateway, token } = await cluster(t);
  await Promise.all([gateway.join("1", { token }), gateway.join("2", { token })]);
  const first = gateway.join("3", { token });
  void gateway.join("3", { token });
  await first;
  assert.equal((await workers(all)).length, 3);
});

test("B9: the cap of one owner's tabs holds for tabs that join at once", async (t) => {
  const { gateway, token } = await cluster(t, { tabsMax: 2 });
  const joins = ["1", "2", "3", "4"].map((uid) => gateway.join(uid, { token }));
  const ends = (await Promise.allSettled(joins)).map(({ status }) => status);
  assert.equal(ends.filter((status) => status === "fulfilled").length, 2);
});

test("B3: of two copies that come back at once, one is fenced", async (t) => {
  const { gateway, cluster: all, token } = await cluster(t);
  const { credential, worker } = await gateway.join("1", { token });
  gateway.hangUp();
  const other = new ScriptedGateway(all.coordinator);
  const back = ["a", "b"].map((sign, at) =>
    other.join(String(at + 10), { worker, credential, session: sign.repeat(32) }),
  );
  const ends = (await Promise.allSettled(back)).map(({ status }) => status);
  assert.deepEqual(ends.toSorted(), ["fulfilled", "rejected"]);
});

test("a page that another gateway reports is asked by the first to connect again", async (t) => {
  const { cluster: all, gateway, token } = await cluster(t);
  const { credential, worker } = await gateway.join("1", { token });
  const other = new ScriptedGateway(all.coordinator);
  await other.join("2", { worker, credential, session: "1".padStart(32, "0") });
  // Whichever of the two still has the page: the page is not left waiting.
  const told = await gateway.next("welcome");
  assert.deepEqual([told.ok, /unavailable.*connect again/.test(told.message)], [false, true]);
});

test("a tab that comes back with a finished task gets an abort for it", async (t) => {
  const { cluster: all, gateway, token } = await cluster(t);
  const { credential, worker } = await gateway.join("1", { token });
  const job = await all.submit(await all.tasksSpec(1));
  const { more, tid } = await gateway.task();
  gateway.hangUp();
  await all.call("POST", `/v1/jobs/${job}/cancel`, { body: {} });
  const other = new ScriptedGateway(all.coordinator);
  const holding = [[tid, "m", more.ref]];
  await other.join("2", { worker, credential, holding, session: "1".padStart(32, "0") });
  assert.deepEqual((await other.next("abort")).body, { action: "abort", uid: "2", tid });
  const late = await all.call("GET", `${more.place}/code`, { token: null });
  assert.equal(late.status, 404);
});

test("a tab whose credential is revoked is disconnected at once", async (t) => {
  const { cluster: all, gateway, token } = await cluster(t);
  const { worker } = await gateway.join("1", { token });
  await all.call("DELETE", `/v1/tokens/${worker}`);
  assert.match((await gateway.next("welcome")).message, /unauthenticated/);
  await polled(() => workers(all), isLost);
});

test("I14: a join token revoked with its members disconnects their tabs", async (t) => {
  const { cluster: all, gateway, token } = await cluster(t);
  const other = await all.coordinator.joinToken(joinTerms);
  for (const uid of ["1", "2"]) await gateway.join(uid, { token });
  const { worker: stays } = await gateway.join("3", { token: other });
  const id = token.split("_")[2];
  const alone = await all.call("DELETE", `/v1/tokens/${id}`);
  assert.deepEqual(await alone.json(), { members: ["w-1", "w-2"] });
  await assert.rejects(gateway.join("4", { token }), /unauthenticated/);
  assert.ok((await workers(all)).every(({ state }) => state === "live"));
  await all.call("DELETE", `/v1/tokens/${id}?members=1`);
  for (const _ of ["1", "2"])
    assert.match((await gateway.next("welcome")).message, /unauthenticated/);
  const isOut = (list: WorkerSummary[]) =>
    list.filter(({ state }) => state === "lost").length === 2;
  const list = await polled(() => workers(all), isOut);
  assert.equal(list.find(({ worker }) => worker === stays)?.state, "live");
});

test("I14: a credential that is revoked while its tab comes back is refused", async (t) => {
  const { cluster: all, gateway, token } = await cluster(t);
  const { credential, worker } = await gateway.join("1", { token });
  gateway.hangUp();
  const other = new ScriptedGateway(all.coordinator);
  const revoked = all.coordinator.post({ kind: "token-revoked", id: worker });
  const session = "1".padStart(32, "0");
  await assert.rejects(other.join("2", { worker, credential, session }), /unauthenticated/);
  await revoked;
});

/** One map task for a basic browser, and what it puts there. */
async function withBare(t: TestContext) {
  const { cluster: all, gateway, lines } = await cluster(t, { anonymousBrowsers: true });
  const stage = testStage({ kind: "map", partitionCount: 1 });
  const reduce = testStage({ kind: "reduce", inputStage: 0 });
  const plan = { items: null, splits: [{ pieces: [], hosts: [] }], reducers: 1 };
  const spec = await all.tasksSpec(1, plan as never);
  gateway.say({ action: "connect", uid: "1", speed: 1, more: null });
  const job = await all.submit({ ...spec, stages: [stage, reduce], bareBrowsers: true });
  const { tid, url } = await gateway.task();
  const place = (url[0] as string).replace("/in/0", "/out/0");
  const put = (text: string) => {
    return all.call("PUT", place, { token: null, body: Buffer.from(text) });
  };
  const finish = { action: "finish", uid: "1", type: "m", tid, url: [place], more: null } as const;
  return { all, gateway, job, lines, put, finish: () => gateway.say(finish) };
}

test("C5: a disk that fails under a browser's result stops nothing", async (t) => {
  const { all, finish, job, lines, put } = await withBare(t);
  const relay = join(all.dataDir, "relay");
  rmSync(relay, { recursive: true, force: true });
  writeFileSync(relay, "no folder");
  assert.equal((await put('["a",1]\n')).status, 200);
  finish();
  await polled(
    () => workers(all),
    () => lines.length > 0,
  );
  rmSync(relay);
  // It is retried automatically.
  const summary = async () => {
    return (await (await all.call("GET", `/v1/jobs/${job}`)).json()) as JobSummary;
  };
  await polled(summary, ({ stages }) => stages[0]?.done === 1);
});

test("results that browsers put before they leave are not kept", async (t) => {
  const { gateway, put } = await withBare(t);
  assert.equal((await put("x".repeat(1_000))).status, 200);
  gateway.say({ action: "disconnect", uid: "1" });
  await polled(
    () => put(""),
    ({ status }) => status === 404,
  );
});
