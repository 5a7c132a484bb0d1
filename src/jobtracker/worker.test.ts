/** The worker's port, as clients and trackers meet it, while no worker of the cluster is there. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import {
  Client as Caller,
  filesystemOpened,
} from "../coordinator/edges/filesystem/testing/client.ts";
import { listening } from "../coordinator/edges/filesystem/testing/listening.ts";
import { askAround } from "../peer/discovery.ts";
import { Client } from "../sdk/client.ts";
import { serveWorker, type WorkerOptions } from "./worker.ts";

type Opened = {
  readonly worker: Caller;
  readonly files: Caller;
  readonly client: Client;
  readonly discoveryPort: number;
  /** What it has taken. */
  readonly keptFile: string;
  /** Ends this worker, and begins another with what it has kept. */
  readonly restart: () => Promise<Caller>;
};

async function opened(t: TestContext, options: Partial<WorkerOptions> = {}): Promise<Opened> {
  const { client: files, cluster } = await filesystemOpened(t);
  const { adminToken: token, filesystem } = cluster.coordinator;
  const client = new Client({ url: cluster.url, token });
  const dir = join(cluster.dataDir, "filesystem");
  const own = filesystem === null ? null : { at: filesystem.advertised, near: filesystem.near };
  const fail = (error: unknown) => assert.fail(error as Error);
  const open = () =>
    serveWorker(
      { host: "127.0.0.1", port: 0, discoveryPort: 0, ...options },
      { client, dir, own, onNews: () => {}, onError: fail },
    );
  let serving = await open();
  t.after(async () => {
    await serving.close();
    client.close();
  });
  const restart = async () => {
    await serving.close();
    serving = await open();
    return new Caller(serving.port);
  };
  const { discoveryPort } = serving;
  const worker = new Caller(serving.port);
  const keptFile = join(dir, "jobtracker.json");
  return { worker, files, client, discoveryPort: discoveryPort ?? 0, keptFile, restart };
}

const functions = "def mapper(k, v):\n    return []\ndef reducer(k, v):\n    return k, v\n";

/** As clients do before JOB; the payload of it. */
async function stored(files: Caller, client: readonly string[], job = "j1") {
  await files.putJob(job);
  await files.put(`${job}/functions.py`, [Buffer.from(functions)]);
  await files.put(`${job}/map_data`, [Buffer.from("one two\n".repeat(200))]);
  return {
    job_url: `./${job}`,
    job_id: job,
    data_type: "text",
    client_addr: client,
    functions_url: `${job}/functions.py`,
    map_data_url: `${job}/map_data`,
    status_db_url: `${job}/database.sqlite3`,
  };
}

test("a worker is found by discovery, registers jobs, and says how much room it has", async (t) => {
  const { discoveryPort, files, worker } = await opened(t);
  const found = await askAround({ hosts: ["127.0.0.1"], port: discoveryPort, answersMax: 1 });
  assert.deepEqual(found, [{ host: "127.0.0.1", port: worker.port }]);
  const { name, payload } = await worker.call("JOBREG", { files: ["f", "d"], extra_info: "0a" });
  assert.equal(name, "OK");
  // SHA-1 of "fd0a".
  assert.equal(payload.get("job_id"), "ad37fefd1a6b49dde9818af75a8f485e6ed2f3a4");
  assert.deepEqual(payload.get("filesystem"), [["127.0.0.1", String(files.port)]]);
  const trackers = payload.get("trackers_addr") as string[][];
  assert.deepEqual(new Set(trackers.map(String)), new Set([`127.0.0.1,${worker.port}`]));
  const status = (await worker.call("STATUS", {})).payload;
  assert.deepEqual([...status.keys()], ["current_task_cap", "current_job_cap"]);
  assert.deepEqual([...status.values()], [1n, 64n]);
  assert.equal((await worker.call("PING", {})).name, "OK");
  assert.equal((await worker.call("DONE", { role: "job" })).name, "OK");
});

test("a job that is taken answers pings, is in its database, and survives a restart", async (t) => {
  const { client, files, restart, worker } = await opened(t);
  const { address, first } = await listening(t);
  const job = await stored(files, address);
  const { payload } = await worker.call("JOB", job);
  const ping = Number(payload.get("ping_tracker_port"));
  assert.equal((await worker.call("PING", { info: "Are you there?" }, ping)).name, "OK");
  const database = { status_db_url: job.status_db_url };
  const rowOf = async () => {
    const wanted = { table: "job", filters: [["job_id", "j1"]] };
    const answer = await files.twoSteps("GETROWS", database, wanted);
    const [row] = answer.payload.get("rows") as ReadonlyMap<string, string>[];
    return row;
  };
  while ((await rowOf())?.get("status_phase") !== "WAITANSWERS");
  const row = await rowOf();
  assert.equal(row?.get("tracker_port_ping"), String(ping));
  assert.deepEqual([row?.get("answer_ip"), row?.get("answer_port")], address);
  const again = await restart();
  assert.equal((await again.call("PING", {}, ping)).name, "OK");
  assert.equal((await client.jobs()).length, 1);
  // Cancelled by the user of the cluster, who need not know the protocol.
  const [{ job: id } = { job: "" }] = await client.jobs();
  await client.cancel(id);
  assert.match(String((await first("ERROR")).get("info")), /was cancelled/);
});

test("a job whose files are removed is cancelled at the cluster", async (t) => {
  const { client, files, worker } = await opened(t, { lookEveryMs: 50 });
  const { address, first } = await listening(t);
  await worker.call("JOB", await stored(files, address));
  while ((await client.jobs()).length === 0);
  const removed = await files.call("REMOVEJOB", { job_url: "./j1" });
  assert.equal(removed.name, "OK");
  assert.match(String((await first("ERROR")).get("info")), /was removed|unable to open database/);
  const [{ state } = { state: "" }] = await client.jobs();
  assert.equal(state, "cancelled");
});

test("a worker that has as many jobs as it may is busy, as existing ones say it", async (t) => {
  const { files, worker } = await opened(t, { jobsMax: 1, tasksMax: 0 });
  const { address } = await listening(t);
  assert.equal((await worker.call("JOB", await stored(files, address))).name, "OK");
  const { name, payload } = await worker.call("JOB", await stored(files, address, "j2"));
  assert.deepEqual([name, payload.get("type_error")], ["ERROR", "WorkerBusyError"]);
  const task = {
    job_url: "./j1",
    job_id: "j1",
    function_url: "j1/functions.py",
    block_urls: ["./j1/0_map_slice"],
    task: "map",
    answer_addr: address,
    load_byte: false,
    status_db_url: "j1/database.sqlite3",
    block_id: "map_0",
  };
  const busy = await worker.call("TASK", task);
  assert.deepEqual([busy.name, busy.payload.get("info")], ["ERROR", "Worker busy"]);
});

test("T1.6: what is no message of a worker is ERROR with info, and the port goes on", async (t) => {
  const { worker } = await opened(t);
  for (const [name, payload] of [
    ["HELLO", {}],
    ["JOB", {}],
    ["TASK", { job_url: "./j" }],
  ] as const) {
    const answer = await worker.call(name, payload);
    assert.equal(answer.name, "ERROR");
    assert.notEqual(answer.payload.get("info"), undefined);
  }
  assert.equal((await worker.call("PING", {})).name, "OK");
});

test("T1.7: a worker that others reach sends nothing to loopback or link-local", async (t) => {
  const { files, worker } = await opened(t, { host: "0.0.0.0" });
  for (const host of ["127.0.0.1", "169.254.169.254", "0.0.0.0", "localhost"]) {
    const job = await stored(files, [host, "9000"]);
    const { name, payload } = await worker.call("JOB", job);
    assert.equal(name, "ERROR", host);
    assert.match(String(payload.get("info")), /address|peer/);
  }
});

/** As a tracker elsewhere has left it. */
async function trackedElsewhere(files: Caller, ping: readonly string[], answer: readonly string[]) {
  const row = {
    job_id: "j1",
    tracker_ip_ping: ping[0] ?? "",
    tracker_port_ping: ping[1] ?? "",
    answer_ip: answer[0] ?? "",
    answer_port: answer[1] ?? "",
    status_phase: "WAITANSWERS",
    map_data_url: "j1/map_data",
    result_url: "./j1/result_data",
    job_state: "map",
    data_type: "text",
  };
  await files.twoSteps("INSERTJOB", { status_db_url: "j1/database.sqlite3" }, row);
}

test("a client of a job that another tracker computes is sent there", async (t) => {
  const { client, files, worker } = await opened(t);
  const [other, here] = [await listening(t), await listening(t)];
  const job = await stored(files, here.address);
  await trackedElsewhere(files, other.address, ["127.0.0.1", "9000"]);
  assert.equal((await worker.call("JOB", job)).name, "OK");
  const moved = await here.first("RELOCATE");
  assert.deepEqual(Object.fromEntries(moved), {
    ping_tracker_ip: other.address[0],
    ping_tracker_port: other.address[1],
    answer_ip: "127.0.0.1",
    answer_port: "9000",
  });
  assert.equal((await client.jobs()).length, 0);
});

test("a job whose tracker elsewhere is silent is taken over", async (t) => {
  const { client, files, worker } = await opened(t);
  const here = await listening(t);
  const job = await stored(files, here.address);
  // No process listens at this port.
  await trackedElsewhere(files, ["127.0.0.1", "1"], ["127.0.0.1", "9000"]);
  const { payload } = await worker.call("JOB", job);
  while ((await client.jobs()).length === 0);
  const wanted = { table: "job", filters: [["job_id", "j1"]] };
  const answer = await files.twoSteps("GETROWS", { status_db_url: job.status_db_url }, wanted);
  const [row] = answer.payload.get("rows") as ReadonlyMap<string, string>[];
  assert.equal(row?.get("tracker_port_ping"), payload.get("ping_tracker_port"));
  assert.deepEqual([row?.get("answer_ip"), row?.get("answer_port")], here.address);
});

test("a client that comes while the end of its job is reported gets it, too", async (t) => {
  const reports = { answerMs: 200, triedMs: 30_000 };
  const { client, files, keptFile, worker } = await opened(t, { reports });
  const late = await listening(t);
  // The first client is gone: no process listens there.
  const job = await stored(files, ["127.0.0.1", "1"]);
  await worker.call("JOB", job);
  while ((await client.jobs()).length === 0);
  const [{ job: id } = { job: "" }] = await client.jobs();
  await client.cancel(id);
  const kept = () => JSON.parse(readFileSync(keptFile, "utf8")).jobs.j1?.end ?? null;
  while (kept() === null) await client.jobs();
  await worker.call("JOB", { ...job, client_addr: late.address });
  assert.match(String((await late.first("ERROR")).get("info")), /was cancelled/);
});
