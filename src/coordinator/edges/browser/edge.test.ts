/** The tracker's edge on a real coordinator, with a gateway that the test scripts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { AttemptReport } from "../../../core/event.ts";
import type { JobSummary, WorkerSummary } from "../../../core/summary.ts";
import { polled } from "../../../store/testing/polled.ts";
import { type Opened, opened } from "../../testing/opened.ts";
import { ScriptedGateway } from "./testing/scripted-gateway.ts";

const joinTerms = { ttlMs: 0, usesMax: 0 };

async function workers(cluster: Opened): Promise<WorkerSummary[]> {
  const answer = await cluster.call("GET", "/v1/workers");
  return ((await answer.json()) as { workers: WorkerSummary[] }).workers;
}

async function summary(cluster: Opened, job: string): Promise<JobSummary> {
  return (await (await cluster.call("GET", `/v1/jobs/${job}`)).json()) as JobSummary;
}

function done(task: number, attempt: number, value: string): AttemptReport {
  const output = { root: "", sizeBytes: value.length, records: 1, value };
  return { kind: "done", task, attempt, durationMs: 5, output };
}

/** A coordinator with a gateway and one tab, which has joined by a link. */
async function withTab(t: Parameters<typeof opened>[0]) {
  const lines: string[] = [];
  const cluster = await opened(t, { print: (line) => lines.push(line) });
  const gateway = new ScriptedGateway(cluster.coordinator);
  const token = await cluster.coordinator.joinToken(joinTerms);
  const welcome = await gateway.join("7", { token });
  return { cluster, gateway, token, welcome, lines };
}

type Attempts = ReadonlyArray<readonly [task: number, attempt: number]>;

function reportsOf(attempts: Attempts): AttemptReport[] {
  return attempts.map(([task, attempt]) => done(task, attempt, `"r${task}"`));
}

test("a tab's results are the job's, and are acknowledged when they are durable", async (t) => {
  const { cluster, gateway } = await withTab(t);
  const job = await cluster.submit(await cluster.tasksSpec(5));
  const seen: number[] = [];
  while (seen.length < 5) {
    const { more, tid } = await gateway.task();
    assert.equal(more.kind, "tasks");
    const items = await cluster.call("GET", `${more.place}/in/0`, { token: null });
    const tasks = more.attempts.map(([task]) => task);
    assert.equal(await items.text(), tasks.map((task) => `${task}\n`).join(""));
    seen.push(...tasks);
    const told = { reports: reportsOf(more.attempts) };
    gateway.say({ action: "finish", uid: "7", type: "m", tid, url: [], more: told });
    const ack = await gateway.next("ack");
    assert.deepEqual(ack.body, { action: "ack", uid: "7", tid });
    // The ticket expires with the task.
    const late = await cluster.call("GET", `${more.place}/in/0`, { token: null });
    assert.equal(late.status, 404);
  }
  assert.equal((await summary(cluster, job)).state, "done");
  const results = await cluster.call("GET", `/v1/jobs/${job}/results`);
  assert.equal(await results.text(), '"r0"\n"r1"\n"r2"\n"r3"\n"r4"\n');
});

test("each item has the number of its task, whichever of a tab's are still wanted", async (t) => {
  const { cluster, gateway } = await withTab(t);
  await cluster.submit(await cluster.tasksSpec(500));
  for (;;) {
    const { more, tid } = await gateway.task();
    const [first, ...others] = more.attempts;
    if (others.length < 2) {
      const told = { reports: reportsOf(more.attempts) };
      gateway.say({ action: "finish", uid: "7", type: "m", tid, url: [], more: told });
      await gateway.next("ack");
      continue;
    }
    const numbered = async () => {
      const answer = await cluster.call("GET", `${more.place}/in/numbered`, { token: null });
      return (await answer.text()).trim().split("\n");
    };
    const lineOf = ([task]: readonly [number, number]) => `[${task},${task}]`;
    assert.deepEqual(await numbered(), more.attempts.map(lineOf));
    const early = await cluster.call("PUT", `${more.place}/reports`, {
      token: null,
      body: Buffer.from(JSON.stringify(reportsOf([first!]))),
    });
    assert.equal(early.status, 200, await early.text());
    assert.deepEqual(await numbered(), others.map(lineOf));
    return;
  }
});

test("a tab's repeated reports, and reports of tasks of others, change nothing", async (t) => {
  const { cluster, gateway } = await withTab(t);
  await cluster.submit(await cluster.tasksSpec(1));
  const { more, tid } = await gateway.task();
  const told = { reports: [done(0, 1, '"first"')] };
  const finish = { action: "finish", uid: "7", type: "m", tid, url: [], more: told } as const;
  gateway.say(finish);
  await gateway.next("ack");
  for (const again of [finish, { ...finish, tid: 99 }]) {
    gateway.say({ ...again, more: { reports: [done(0, 1, '"second"')] } });
    await gateway.next("ack");
  }
  assert.equal(more.attempts.length, 1);
  const results = await cluster.call("GET", "/v1/jobs/j-1/results");
  assert.equal(await results.text(), '"first"\n');
});

test("B1: the tasks of a tab that is gone are assigned to another", async (t) => {
  const { cluster, gateway, token } = await withTab(t);
  const job = await cluster.submit(await cluster.tasksSpec(1));
  const first = await gateway.task();
  gateway.say({ action: "disconnect", uid: "7" });
  await gateway.join("8", { token });
  const second = await gateway.task();
  assert.deepEqual([second.uid, second.more.attempts], ["8", [[0, 2]]]);
  assert.notEqual(second.more.place, first.more.place);
  const reports = reportsOf(second.more.attempts);
  gateway.say({
    action: "finish",
    uid: "8",
    type: "m",
    tid: second.tid,
    url: [],
    more: { reports },
  });
  await gateway.next("ack");
  assert.equal((await summary(cluster, job)).state, "done");
});

test("a tab whose gateway died comes back through another and keeps what it runs", async (t) => {
  const { cluster, gateway, welcome } = await withTab(t);
  await cluster.submit(await cluster.tasksSpec(1));
  const { more, tid } = await gateway.task();
  gateway.hangUp();
  const other = new ScriptedGateway(cluster.coordinator);
  const { credential, worker } = welcome;
  const holding = [[tid, "m", more.ref]];
  const again = await other.join("42", {
    worker,
    credential,
    holding,
    session: "7".padStart(32, "0"),
  });
  assert.equal(again.worker, worker);
  const items = await cluster.call("GET", `${more.place}/in/0`, { token: null });
  assert.equal(items.status, 200);
  const reports = reportsOf(more.attempts);
  other.say({ action: "finish", uid: "42", type: "m", tid, url: [], more: { reports } });
  await other.next("ack");
  assert.equal((await summary(cluster, "j-1")).state, "done");
  assert.equal((await workers(cluster)).length, 1);
});

test("B3: a copied tab is fenced while the first is there", async (t) => {
  const { gateway, welcome } = await withTab(t);
  const { credential, worker } = welcome;
  const copy = gateway.join("9", { worker, credential, session: "f".repeat(32) });
  await assert.rejects(copy, /fenced: w-1 is in use by another tab/);
});

test("T5.3: a tab without a valid token is refused", async (t) => {
  const { cluster, gateway, lines } = await withTab(t);
  await assert.rejects(gateway.join("8"), /unauthenticated/);
  await assert.rejects(
    gateway.join("9", { token: cluster.coordinator.adminToken }),
    /cannot join workers/,
  );
  const wrong = { worker: "w-1", credential: "mrt_worker_w-1_00" };
  await assert.rejects(gateway.join("10", wrong), /unauthenticated/);
  gateway.say({ action: "connect", uid: "11", speed: 1, more: null });
  assert.match((await gateway.next("welcome")).message, /without a token/);
  assert.equal((await workers(cluster)).length, 1);
  assert.equal(lines.length, 4);
});

test("T5.4: a result at a wrong address fails the attempt", async (t) => {
  const { cluster, gateway } = await withTab(t);
  await cluster.submit(await cluster.tasksSpec(1));
  const { tid } = await gateway.task();
  const url = ["http://evil.example/result"];
  gateway.say({ action: "finish", uid: "7", type: "m", tid, url, more: { reports: [] } });
  const again = await gateway.task();
  assert.deepEqual(again.more.attempts, [[0, 2]]);
  const [error] = (await summary(cluster, "j-1")).errors;
  assert.match(error!.message, /not an address that it was given/);
});

test("B2: a tab that pauses gets nothing until it resumes", async (t) => {
  const { cluster, gateway } = await withTab(t);
  const note = (paused: string) => {
    const more = { logs: [], progress: [], started: [], paused };
    gateway.say({ action: "note", uid: "7", more });
  };
  note("hidden");
  const [tab] = await polled(workers.bind(null, cluster), ([one]) => one?.paused !== "");
  assert.equal(tab!.paused, "hidden");
  await cluster.submit(await cluster.tasksSpec(1));
  assert.match((await summary(cluster, "j-1")).waitingFor, /hidden/);
  note("");
  assert.deepEqual((await gateway.task()).more.attempts, [[0, 1]]);
});

test("a tab that offers more slots gets more, and fewer than one count as none", async (t) => {
  const { cluster, gateway } = await withTab(t);
  const note = (slots: number) => {
    const more = { logs: [], progress: [], started: [], paused: "", slots };
    gateway.say({ action: "note", uid: "7", more });
  };
  /** Receives tasks until it has this many attempts. */
  const taken = async (attempts: number) => {
    let count = 0;
    while (count < attempts) count += (await gateway.task()).more.attempts.length;
    return count;
  };
  await cluster.submit(await cluster.tasksSpec(9));
  const held = ({ queued = 0, running }: WorkerSummary) => running + queued;
  const before = (await workers(cluster))[0]!;
  assert.equal(await taken(held(before)), held(before));
  const lent = before.slots + 2;
  note(lent);
  const [more] = await polled(workers.bind(null, cluster), ([one]) => one?.slots === lent);
  const added = held(more!) - held(before);
  assert.equal(await taken(added), added);
  assert.ok(added >= 2, `${held(before)}, then ${added} more`);
  note(0);
  note(1);
  const [after] = await polled(workers.bind(null, cluster), ([one]) => one?.slots === 1);
  assert.deepEqual([held(after!), after!.worker], [held(more!), before.worker]);
});

test("a cancelled job's tasks are aborted in its tabs", async (t) => {
  const { cluster, gateway } = await withTab(t);
  const job = await cluster.submit(await cluster.tasksSpec(1));
  const { more, tid } = await gateway.task();
  await cluster.call("POST", `/v1/jobs/${job}/cancel`, { body: {} });
  assert.deepEqual((await gateway.next("abort")).body, { action: "abort", uid: "7", tid });
  const late = await cluster.call("GET", `${more.place}/in/0`, { token: null });
  assert.equal(late.status, 404);
});
