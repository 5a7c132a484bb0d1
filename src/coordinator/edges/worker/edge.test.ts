/** Workers at the coordinator's edge: existing ones byte by byte, and scripted ones, over real
 *  WebSockets. */
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { type TestContext, test } from "node:test";
import type { JobSummary, WorkerSummary } from "../../../core/summary.ts";
import { dialWebSocket } from "../../../link/websocket.ts";
import { temporaryDir } from "../../../store/testing/at-end.ts";
import { mintToken } from "../../access/tokens.ts";
import { type Opened, opened } from "../../testing/opened.ts";
import { doneStatus, ScriptedWorker } from "../../testing/scripted-worker.ts";
import { workerPath } from "../http/upgrade.ts";

/** A lease that a test can wait for: on a busy machine also workers that are well miss it. */
const shortLease = { leaseMs: 600, heartbeatMs: 200, tickMs: 20 };
/** How long a worker may be without a link: others keep their usual lease. */
const shortGrace = { closedGraceMs: 60, tickMs: 20 };

async function workers(cluster: Opened): Promise<WorkerSummary[]> {
  const answer = await cluster.call("GET", "/v1/workers");
  return ((await answer.json()) as { workers: WorkerSummary[] }).workers;
}

/** The job's lines from now on, until `until` holds. */
async function watched(
  cluster: Opened,
  job: string,
  until: (summary: JobSummary) => boolean,
): Promise<JobSummary> {
  const answer = await cluster.call("GET", `/v1/jobs/${job}/watch`);
  let text = "";
  for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const lines = text.split("\n");
    text = lines.pop()!;
    for (const line of lines) {
      const summary = JSON.parse(line) as JobSummary;
      if (until(summary)) return summary;
    }
  }
  throw new Error(`${job} ended before what was waited for`);
}

async function joinToken(cluster: Opened, usesMax = 0): Promise<string> {
  return cluster.coordinator.joinToken({ ttlMs: 0, usesMax });
}

async function joined(t: TestContext, cluster: Opened, slots = 2) {
  const worker = await ScriptedWorker.dial(t, cluster.url, await joinToken(cluster));
  return { worker, welcome: await worker.join({ slots }) };
}

test("an existing worker is greeted, managed and released in the bytes it knows", async (t) => {
  const cluster = await opened(t);
  const link = await dialWebSocket(new URL(workerPath, cluster.url).href, {
    headers: { authorization: `Bearer ${await joinToken(cluster)}` },
  });
  t.after(() => link.close());
  const frames: string[] = [];
  let wake = () => {};
  link.onFrame((frame) => {
    frames.push(Buffer.from(frame).toString("hex"));
    wake();
  });
  const heard = async (): Promise<string> => {
    while (frames.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    return frames.shift()!;
  };
  const say = (hex: string) => link.send(Buffer.from(hex, "hex"));
  assert.equal(await heard(), "020a00", "NodeTypeRequest { MANAGER }");
  say("0412020801");
  say("040a020801");
  assert.equal(await heard(), "021200", "NodeTypeAnswer { MANAGER }");
  say("024200");
  assert.equal(await heard(), "021a00", "NotMine: no relation yet");
  say("102a0e080a100a1804208008280a320100");
  assert.equal(await heard(), "0432020801", "ManagerAnswer { accepted }");
  say("024200");
  assert.equal(await heard(), "024a00", "ManagerPong");
  const [worker] = await workers(cluster);
  assert.equal(worker?.slots, 4);
  assert.equal(worker?.state, "live");
  say("023a00");
  assert.equal(await heard(), "022200", "Ack to the ManagerBye");
  assert.equal((await workers(cluster))[0]?.state, "lost");
});

test("a current worker gets a job, its tasks, and Acks for reports that are durable", async (t) => {
  const cluster = await opened(t);
  const { worker, welcome } = await joined(t, cluster, 3);
  assert.equal(welcome.workerId, "w-1");
  assert.match(welcome.credential, /^mrt_worker_w-1_/);
  assert.equal(welcome.leaseMs, 15_000);
  const spec = await cluster.tasksSpec(3);
  const job = await cluster.submit(spec);
  const open = JSON.parse(new TextDecoder().decode((await worker.asked("jobOpen")).job));
  assert.equal(open.job, job);
  assert.equal(open.codeHash, spec.codeHash);
  const tasks = await worker.assigned();
  while (tasks.length < 3) tasks.push(...(await worker.assigned()));
  assert.deepEqual(
    tasks.map(({ ref }) => ref.task),
    [0, 1, 2],
  );
  const early = await cluster.call("GET", `/v1/jobs/${job}/results?waitMs=1`);
  assert.equal(early.status, 409, "still runs after the wait");
  const waiting = cluster.call("GET", `/v1/jobs/${job}/results?waitMs=20000`);
  assert.deepEqual(await worker.report(tasks.map((task) => doneStatus(task))), { kind: "ack" });
  assert.equal(await (await waiting).text(), "0\n10\n20\n", "sent as soon as it has ended");
  assert.deepEqual(
    await worker.report(tasks.map((task) => doneStatus(task))),
    { kind: "ack" },
    "sent again, acknowledged again",
  );
  await worker.asked("jobClose");
  const results = await cluster.call("GET", `/v1/jobs/${job}/results`);
  assert.equal(await results.text(), "0\n10\n20\n");
});

test("early results come with the answer to the submission, which is not delayed", async (t) => {
  const cluster = await opened(t);
  const { worker } = await joined(t, cluster, 3);
  const submit = async (resultsMs: number) => {
    const body = { key: null, spec: await cluster.tasksSpec(1) };
    const answer = await cluster.call("POST", `/v1/jobs?resultsMs=${resultsMs}`, { body });
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    return { next: async () => (await reader.read()).value };
  };
  const soon = await submit(20_000);
  assert.equal(await soon.next(), '{"job":"j-1"}\n', "durable, and nothing has run");
  const [task] = await worker.assigned();
  await worker.report([doneStatus(task!)]);
  assert.equal(await soon.next(), "0\n");
  assert.equal(await soon.next(), undefined);
  const late = await submit(1);
  assert.equal(await late.next(), '{"job":"j-2"}\n');
  assert.equal(await late.next(), undefined, "still runs: the results are requested later");
});

test("a worker that is gone for a moment keeps what it runs", async (t) => {
  const cluster = await opened(t);
  const { worker, welcome } = await joined(t, cluster);
  const job = await cluster.submit(await cluster.tasksSpec(1));
  const [task] = await worker.assigned();
  worker.link.close();
  const back = await ScriptedWorker.dial(t, cluster.url, welcome.credential);
  const { workerId, credential } = welcome;
  const again = await back.join({ workerId, credential, holding: [task!.taskId] });
  assert.equal(again.workerId, "w-1");
  assert.equal(again.credential, "");
  assert.deepEqual(await back.report([doneStatus(task!)]), { kind: "ack" });
  const summary = await watched(cluster, job, ({ state }) => state === "done");
  assert.equal(summary.stages[0]?.attemptsLost, 0);
});

test("a worker that stays away loses its tasks to another", async (t) => {
  const cluster = await opened(t, { liveness: shortGrace });
  const { worker } = await joined(t, cluster);
  const job = await cluster.submit(await cluster.tasksSpec(1));
  await worker.assigned();
  worker.link.close();
  const other = await joined(t, cluster);
  const [task] = await other.worker.assigned();
  assert.equal(task?.ref.attempt, 2);
  await other.worker.report([doneStatus(task!)]);
  await watched(cluster, job, ({ state }) => state === "done");
});

test("a worker whose link is open but says nothing is lost at the end of its lease", async (t) => {
  const cluster = await opened(t, { liveness: shortLease });
  // Joins, and then does not even answer pings: nothing reads what arrives.
  const { worker } = await joined(t, cluster);
  assert.match(await worker.closed, /silent for 600 ms/);
  assert.equal((await workers(cluster))[0]?.state, "lost");
});

test("a second process with a worker's identity is fenced while the first lives", async (t) => {
  const cluster = await opened(t);
  const { welcome } = await joined(t, cluster);
  const { workerId, credential } = welcome;
  const twin = await ScriptedWorker.dial(t, cluster.url, credential);
  const refused = await twin.join({ workerId, credential, session: "process 2" });
  assert.match(refused.refusal, /^fenced: w-1 is in use by another process/);
  assert.equal((await workers(cluster))[0]?.state, "live");
});

test("the same process over a new link replaces its old one", async (t) => {
  const cluster = await opened(t);
  const { worker, welcome } = await joined(t, cluster);
  const { workerId, credential } = welcome;
  const again = await ScriptedWorker.dial(t, cluster.url, credential);
  assert.equal((await again.join({ workerId, credential })).workerId, "w-1");
  assert.match(await worker.closed, /over another link/);
});

test("a join token for one worker admits one, which may still come back by itself", async (t) => {
  const cluster = await opened(t);
  const token = await joinToken(cluster, 1);
  const first = await ScriptedWorker.dial(t, cluster.url, token);
  const { workerId, credential } = await first.join();
  const second = await ScriptedWorker.dial(t, cluster.url, token);
  assert.match((await second.join({ session: "other" })).refusal, /^unauthenticated: /);
  first.link.close();
  const back = await ScriptedWorker.dial(t, cluster.url, token);
  assert.equal((await back.join({ workerId, credential })).workerId, "w-1");
});

test("many at once cannot share a join token for one", async (t) => {
  const cluster = await opened(t);
  const token = await joinToken(cluster, 1);
  const all = await Promise.all(
    Array.from({ length: 5 }, () => ScriptedWorker.dial(t, cluster.url, token)),
  );
  const welcomes = await Promise.all(all.map((worker) => worker.join()));
  assert.equal(welcomes.filter(({ refusal }) => refusal === "").length, 1);
});

test("a worker cannot act as another, with its own credential or a wrong one", async (t) => {
  const cluster = await opened(t);
  const one = await joined(t, cluster);
  const two = await joined(t, cluster);
  two.worker.link.close();
  const wrong = [one.welcome.credential, mintToken("worker", "w-2").token, ""];
  for (const credential of wrong) {
    const thief = await ScriptedWorker.dial(t, cluster.url, one.welcome.credential);
    const { refusal } = await thief.join({ workerId: "w-2", credential, session: "thief" });
    assert.match(refusal, /^unauthenticated: the credential is not that of w-2/);
  }
});

test("revoking a worker's token ends its link and its return", async (t) => {
  const cluster = await opened(t);
  const { worker, welcome } = await joined(t, cluster);
  assert.equal((await cluster.call("DELETE", "/v1/tokens/w-1")).status, 200);
  assert.match(await worker.closed, /revoked/);
  await assert.rejects(ScriptedWorker.dial(t, cluster.url, welcome.credential), {
    code: "unauthenticated",
  });
});

test("a malformed report ends the link that it came over, and no other", async (t) => {
  const cluster = await opened(t);
  const { worker } = await joined(t, cluster);
  const other = await joined(t, cluster);
  await cluster.submit(await cluster.tasksSpec(4));
  const [task] = await worker.assigned();
  void worker.report([doneStatus(task!, { attempt: 99 })]);
  assert.match(await worker.closed, /protocol-violated: a report of task/);
  assert.deepEqual(await other.worker.ask({ kind: "managerPing" }), { kind: "managerPong" });
});

test("a final output that did not arrive is retried, never committed", async (t) => {
  const cluster = await opened(t);
  const { worker } = await joined(t, cluster);
  const job = await cluster.submit(await cluster.tasksSpec(1));
  const [task] = await worker.assigned();
  const output = { root: "ab".repeat(32), sizeBytes: 9, records: 1 };
  assert.deepEqual(await worker.report([doneStatus(task!, { output })]), { kind: "ack" });
  const summary = await watched(cluster, job, ({ errors }) => errors.length > 0);
  assert.match(summary.errors[0]!.message, /did not arrive at the coordinator/);
  const [again] = await worker.assigned();
  assert.equal(again?.ref.attempt, 2);
});

test("log lines and progress of running tasks reach the job's owner", async (t) => {
  const cluster = await opened(t);
  const { worker } = await joined(t, cluster);
  const job = await cluster.submit(await cluster.tasksSpec(1));
  const [task] = await worker.assigned();
  const { ref } = task!;
  const of = (id: string) => ({ job: id, stage: 0, task: 0, attempt: ref.attempt });
  const logs = [
    { ...of(job), line: "hello" },
    { ...of("j-99"), line: "not its job" },
  ];
  const notes = new TextEncoder().encode(JSON.stringify({ logs, progress: [] }));
  assert.deepEqual(await worker.ask({ kind: "workerNotes", notes }), { kind: "ack" });
  const following = await cluster.call("GET", `/v1/jobs/${job}/logs?follow=1`);
  await worker.report([doneStatus(task!)]);
  const [line, ...rest] = (await following.text()).trimEnd().split("\n");
  const { atMs, ...said } = JSON.parse(line!);
  assert.deepEqual(said, { task: "task 0", line: "hello" });
  assert.ok(atMs > 0);
  assert.deepEqual(rest, []);
});

test("another version of the protocol is refused with the supported one", async (t) => {
  const cluster = await opened(t);
  const url = new URL("/balthazar/worker/0.1.0", cluster.url).href;
  const headers = { authorization: `Bearer ${await joinToken(cluster)}` };
  await assert.rejects(dialWebSocket(url, { headers }), (error: Error & { code: string }) => {
    assert.equal(error.code, "version-mismatch");
    assert.match(error.message, /speaks \/balthazar\/worker\/0\.3\.1/);
    return true;
  });
});

test("a link without a worker's token is refused", async (t) => {
  const cluster = await opened(t);
  const { token: submitter } = await cluster.token("submitter", "ann");
  const dial = (token: string) => ScriptedWorker.dial(t, cluster.url, token);
  await assert.rejects(dial(""), { code: "unauthenticated" });
  await assert.rejects(dial(submitter), { code: "forbidden" });
  await assert.rejects(dial(cluster.coordinator.adminToken), { code: "forbidden" });
});

test("the job continues over a restart: what is done stays, what runs is adopted", async (t) => {
  const dataDir = temporaryDir(t);
  const first = await opened(t, { dataDir });
  const { worker, welcome } = await joined(t, first);
  const job = await first.submit(await first.tasksSpec(2));
  const tasks = await worker.assigned();
  while (tasks.length < 2) tasks.push(...(await worker.assigned()));
  await worker.report([doneStatus(tasks[0]!)]);
  await first.coordinator.close();
  assert.match(await worker.closed, /stopping/);

  const second = await opened(t, { dataDir });
  assert.equal(second.coordinator.adminToken, first.coordinator.adminToken);
  const { workerId, credential } = welcome;
  const back = await ScriptedWorker.dial(t, second.url, credential);
  const again = await back.join({ workerId, credential, holding: [tasks[1]!.taskId] });
  assert.deepEqual([again.workerId, again.epoch], ["w-1", 2]);
  await back.report([doneStatus(tasks[1]!)]);
  const { stages } = await watched(second, job, ({ state }) => state === "done");
  assert.deepEqual([stages[0]?.done, stages[0]?.attemptsLost], [2, 0]);
});

test("a second coordinator on the same directory is refused", async (t) => {
  const first = await opened(t);
  await assert.rejects(opened(t, { dataDir: first.dataDir }), { code: "fenced" });
});

test("the error for a port in use names the option that changes it", async (t) => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  t.after(() => taken.close());
  const { port } = taken.address() as { port: number };
  await assert.rejects(opened(t, { listen: `127.0.0.1:${port}` }), (error: Error) => {
    assert.match(error.message, new RegExp(`^conflict: port ${port} .*--listen`));
    return true;
  });
});
