/** Two real `tequio up --standby` on one log: the leader is killed, or stopped past its lease. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, type TestContext, test } from "node:test";
import type { Coordinator } from "../../src/coordinator/coordinator.ts";
import { Opened } from "../../src/coordinator/testing/opened.ts";
import { atEnd, temporaryDir } from "../../src/store/testing/at-end.ts";
import { PostgresServer, withoutPostgres } from "./postgres-server.ts";

const skip = withoutPostgres;
const command = join(import.meta.dirname, "..", "..", "bin", "tequio.js");
let server: PostgresServer;

before(async () => {
  if (skip === false) server = await PostgresServer.start();
});
after(async () => {
  if (skip === false) await server.remove();
});

class Node {
  readonly process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #dataDir: string;

  constructor(t: TestContext, dir: string, name: string) {
    this.#dataDir = join(dir, name);
    const flags = ["--workers", "0", "--listen", "127.0.0.1:0", "--leader-lease", "1s"];
    const log = server.url("failover");
    const shared = ["--standby", "--log", log, "--blobs", join(dir, "blobs")];
    const args = [command, "up", "--json", "--data", this.#dataDir, ...flags, ...shared];
    this.process = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    this.#lines = createInterface({ input: this.process.stdout! })[Symbol.asyncIterator]();
    atEnd(t, () => this.end());
  }

  async standsBy(): Promise<void> {
    assert.equal((await this.#next()).standby, true);
  }

  /** Waits until it leads. */
  async leads(): Promise<Opened> {
    for (;;) {
      const { url } = await this.#next();
      if (url === undefined) continue;
      const adminToken = readFileSync(join(this.#dataDir, "admin.token"), "utf8").trim();
      return new Opened({ url, adminToken } as Coordinator, this.#dataDir);
    }
  }

  async end(): Promise<void> {
    const { exitCode, signalCode } = this.process;
    if (exitCode !== null || signalCode !== null) return;
    const gone = once(this.process, "exit");
    this.process.kill("SIGKILL");
    await gone;
  }

  async #next(): Promise<{ readonly url?: string; readonly standby?: boolean }> {
    const line = await this.#lines.next();
    assert.ok(line.done !== true, "it ended");
    return JSON.parse(line.value);
  }
}

async function hasAll(opened: Opened, jobs: readonly string[]): Promise<void> {
  const answer = await opened.call("GET", "/v1/jobs");
  const found = ((await answer.json()) as { jobs: { job: string }[] }).jobs;
  assert.deepEqual(found.map(({ job }) => job).reverse(), jobs);
}

test("X11: a killed and a stopped leader are replaced, and no acknowledged job is lost", {
  skip,
}, async (t) => {
  const dir = temporaryDir(t, "failover-");
  const first = new Node(t, dir, "a");
  const jobs: string[] = [];
  const one = await first.leads();
  const second = new Node(t, dir, "b");
  await second.standsBy();
  const spec = await one.tasksSpec(2);
  for (let index = 0; index < 5; index += 1) jobs.push(await one.submit(spec));
  await first.end();
  const two = await second.leads();
  await hasAll(two, jobs);
  jobs.push(await two.submit(spec));
  const third = new Node(t, dir, "a");
  await third.standsBy();
  second.process.kill("SIGSTOP");
  const three = await third.leads();
  await hasAll(three, jobs);
  jobs.push(await three.submit(spec));
  second.process.kill("SIGCONT");
  // It finds that it was replaced, and follows.
  await second.standsBy();
  await hasAll(three, jobs);
});
