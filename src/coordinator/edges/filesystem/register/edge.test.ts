/** The register: registrations and requests of programs of the filesystem protocol. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type TestContext, test } from "node:test";
import { openReplyServer } from "../../../../link/zeromq/reply-server.ts";
import { atEnd, temporaryDir } from "../../../../store/testing/at-end.ts";
import { polled } from "../../../../store/testing/polled.ts";
import type { PyValue } from "../../../../wire/filesystem/value.ts";
import { realTimers } from "../../../loop/timers.ts";
import { Client } from "../testing/client.ts";
import { type RegisterOptions, type RegisterServing, serveRegister } from "./edge.ts";

type Opened = {
  readonly client: Client;
  readonly dataDir: string;
  readonly setOwnWorker: RegisterServing["setOwnWorker"];
  readonly close: () => Promise<void>;
};

async function registerOpened(
  t: TestContext,
  options: RegisterOptions = {},
  dataDir = temporaryDir(t),
): Promise<Opened> {
  const own = { host: "127.0.0.1", port: 8_080 };
  const owner = { ownsLog: () => true as const };
  const parts = { dataDir, timers: realTimers, own, owner };
  const serving = await serveRegister({ port: 0, pingEveryMs: 3_600_000, ...options }, parts);
  atEnd(t, () => serving.close());
  return { ...serving, client: new Client(serving.port), dataDir };
}

const worker = (port: string): PyValue => ["127.0.0.1", port];
const registration = { worker_addr: worker("7998"), ping_addr: worker("9000") };

test("workers and file systems register once, are listed, and outlive a restart", async (t) => {
  const first = await registerOpened(t);
  const register = async (client: Client, name: string, payload: Record<string, PyValue>) =>
    (await client.call(name, payload)).payload.get("info");
  const done = "Registration completed";
  const known = "You were already registered";
  assert.equal(await register(first.client, "WORKERREG", registration), done);
  assert.equal(await register(first.client, "WORKERREG", registration), known);
  const filesystem = { addr: worker("8081") };
  assert.equal(await register(first.client, "FILESYSREG", filesystem), done);
  await first.close();
  const { client } = await registerOpened(t, {}, first.dataDir);
  assert.equal(await register(client, "WORKERREG", registration), known);
  const { payload } = await client.call("WORKERS", {});
  assert.deepEqual(payload.get("workers"), [[worker("7998"), worker("9000")]]);
  const nodes = (await client.call("FILESYSNODES", {})).payload.get("nodes");
  assert.deepEqual(nodes, [worker("8080"), worker("8081")]);
});

test("a job is given its id and where to go, once there is a worker", async (t) => {
  const { client } = await registerOpened(t);
  const files = ["functions.py", "data.txt"];
  const none = await client.call("JOBREG", { files, extra_info: "ab" });
  assert.equal(none.name, "ERROR");
  assert.equal(none.payload.get("info"), "There's no worker connected.Retry soon.");
  await client.call("WORKERREG", registration);
  const { name, payload } = await client.call("JOBREG", { files, extra_info: "ab" });
  assert.equal(name, "OK");
  const id = createHash("sha1").update("functions.pydata.txtab").digest("hex");
  assert.equal(payload.get("job_id"), id);
  assert.deepEqual(payload.get("trackers_addr"), [[worker("7998"), worker("9000")]]);
  assert.deepEqual(payload.get("filesystem"), [worker("8080")]);
});

test("the worker beside the register is in its lists, without being registered", async (t) => {
  const { client, setOwnWorker } = await registerOpened(t);
  setOwnWorker({ host: "127.0.0.1", port: 7_998 });
  await client.call("WORKERREG", { worker_addr: worker("7000"), ping_addr: worker("9000") });
  const own = [worker("7998"), worker("7998")];
  const other = [worker("7000"), worker("9000")];
  assert.deepEqual((await client.call("WORKERS", {})).payload.get("workers"), [own, other]);
  const { name, payload } = await client.call("JOBREG", { files: ["f", "d"] });
  assert.equal(name, "OK");
  // Existing clients give up at the end of the list: its restart is waited for.
  assert.deepEqual(payload.get("trackers_addr"), [own, own, own, own, own, other]);
  setOwnWorker(null);
  assert.deepEqual((await client.call("WORKERS", {})).payload.get("workers"), [other]);
});

test("a node that does not answer PING is removed, one that does stays", async (t) => {
  const pings: string[] = [];
  const node = await openReplyServer({
    host: "127.0.0.1",
    port: 0,
    requestMaxBytes: 1_024,
    requestsMax: 1,
    answer: async (frame) => {
      pings.push(Buffer.from(frame).toString());
      return Buffer.from("OK 0 {}");
    },
  });
  t.after(() => node.close());
  const { client } = await registerOpened(t, { pingEveryMs: 50, pingMs: 2_000 });
  const alive = { ...registration, ping_addr: worker(String(node.port)) };
  await client.call("WORKERREG", alive);
  const gone = { worker_addr: worker("7000"), ping_addr: worker("1") };
  await client.call("WORKERREG", gone);
  const known = async () => (await client.call("WORKERS", {})).payload.get("workers") as PyValue[];
  const workers = await polled(known, ({ length }) => length === 1 && pings.length > 0);
  assert.deepEqual(workers, [[alive.worker_addr, alive.ping_addr]]);
  assert.equal(pings[0], 'PING 1 {"info": "est\\u00e1s vivo?"}');
});

test("T1.7: a register open to others sends nothing to loopback or link-local", async (t) => {
  const { client } = await registerOpened(t, { host: "0.0.0.0" });
  for (const host of ["127.0.0.1", "169.254.169.254", "0.0.0.0", "localhost"]) {
    const ping_addr = [host, "80"];
    const { name } = await client.call("WORKERREG", {
      worker_addr: ["10.0.0.2", "7998"],
      ping_addr,
    });
    assert.equal(name, "ERROR", host);
  }
  assert.deepEqual((await client.call("WORKERS", {})).payload.get("workers"), []);
});
