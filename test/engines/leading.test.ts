/** Coordinators that share a log in PostgreSQL: one leads, another follows and takes over. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { type Coordinator, openCoordinator } from "../../src/coordinator/coordinator.ts";
import type { CoordinatorOptions } from "../../src/coordinator/options.ts";
import { Opened } from "../../src/coordinator/testing/opened.ts";
import type { ClusterError } from "../../src/core/error.ts";
import { rawAnswer } from "../../src/peer/testing/raw-answer.ts";
import { atEnd, temporaryDir } from "../../src/store/testing/at-end.ts";
import { polled } from "../../src/store/testing/polled.ts";
import { PostgresServer, withoutPostgres } from "./postgres-server.ts";

const skip = withoutPostgres;
let server: PostgresServer;
let schemas = 0;

before(async () => {
  if (skip === false) server = await PostgresServer.start();
});
after(async () => {
  if (skip === false) await server.remove();
});

/** A log of its own, blobs of its own, and coordinators on them. */
class Shared {
  readonly #t: TestContext;
  readonly log: string;
  readonly dir: string;

  constructor(t: TestContext) {
    this.#t = t;
    schemas += 1;
    this.log = server.url(`leading_${schemas}`);
    this.dir = temporaryDir(t, "leading-");
  }

  options(name: string, over: Partial<CoordinatorOptions["leading"]> = {}): CoordinatorOptions {
    return {
      dataDir: join(this.dir, name),
      blobs: join(this.dir, "blobs"),
      listen: "127.0.0.1:0",
      version: "test",
      leading: { log: this.log, leaseMs: 1_000, ...over },
      onFatal: () => {},
    };
  }

  async open(name: string, over: Partial<CoordinatorOptions> = {}): Promise<Opened> {
    const options = { ...this.options(name), ...over };
    return this.opened(await openCoordinator(options), options.dataDir);
  }

  opened(coordinator: Coordinator, dataDir: string): Opened {
    atEnd(this.#t, () => coordinator.close());
    return new Opened(coordinator, dataDir);
  }
}

async function jobsOf(opened: Opened): Promise<string[]> {
  const answer = await opened.call("GET", "/v1/jobs");
  return ((await answer.json()) as { jobs: { job: string }[] }).jobs.map(({ job }) => job);
}

test("a coordinator keeps its log in PostgreSQL, and continues after a restart", {
  skip,
}, async (t) => {
  const shared = new Shared(t);
  const first = await shared.open("a");
  const job = await first.submit(await first.tasksSpec(3));
  await first.coordinator.close();
  const again = await shared.open("a");
  assert.deepEqual(await jobsOf(again), [job]);
  assert.equal(again.coordinator.adminToken, first.coordinator.adminToken);
});

test("a second coordinator is refused while the first one leads", { skip }, async (t) => {
  const shared = new Shared(t);
  const first = await shared.open("a");
  await assert.rejects(shared.open("b"), {
    code: "conflict",
    message: /has a leader, http:\/\/127.0.0.1:\d+: stop that one first.*--standby/,
  });
  assert.equal((await first.call("GET", "/v1/health")).status, 200);
});

test("a standby has the state of the leader, and takes over when it ends", { skip }, async (t) => {
  const shared = new Shared(t);
  const first = await shared.open("a");
  const job = await first.submit(await first.tasksSpec(3));
  const follows = Promise.withResolvers<void>();
  const joined: string[] = [];
  const standby = openCoordinator(
    shared.options("b", {
      isStandby: true,
      onJoined: () => joined.push("b"),
      onStandby: () => follows.resolve(),
    }),
  );
  await follows.promise;
  assert.deepEqual(joined, ["b"]);
  const later = await first.submit(await first.tasksSpec(2));
  await first.coordinator.close();
  const second = shared.opened(await standby, join(shared.dir, "b"));
  assert.deepEqual(await jobsOf(second), [later, job]);
  assert.equal(second.coordinator.adminToken, first.coordinator.adminToken);
});

test("a leader whose lease was taken neither appends nor answers", { skip }, async (t) => {
  const shared = new Shared(t);
  const lost = Promise.withResolvers<Error>();
  const first = await shared.open("a", { onFatal: lost.resolve });
  const { openEngine } = await import("../../src/engine/open.ts");
  const engine = await openEngine(shared.log);
  const lease = engine.lease();
  for (;;) {
    const entry = await lease.read();
    const next = { term: entry!.term + 1, beat: 0, holder: "thief", note: "http://thief" };
    if (await lease.swap(entry, next)) break;
  }
  const error = (await lost.promise) as ClusterError;
  assert.equal(error.code, "fenced");
  assert.match(error.text, /this coordinator was replaced, now http:\/\/thief leads/);
  await assert.rejects(first.call("GET", "/v1/jobs"));
  await Promise.all([lease.close(), engine.close()]);
});

test("a directory that another process has is no coordinator that was replaced", {
  skip,
}, async (t) => {
  const shared = new Shared(t);
  await shared.open("a");
  const joined: string[] = [];
  const over = { isStandby: true, onJoined: () => joined.push("a") };
  await assert.rejects(openCoordinator(shared.options("a", over)), { code: "fenced" });
  assert.deepEqual(joined, []);
});

test("a standby that is stopped ends its wait", { skip }, async (t) => {
  const shared = new Shared(t);
  await shared.open("a");
  const stop = new AbortController();
  const standby = openCoordinator(
    shared.options("b", {
      isStandby: true,
      onStandby: () => stop.abort(),
      signal: stop.signal,
    }),
  );
  await assert.rejects(standby, { code: "unavailable" });
});

test("a directory of another cluster is refused", { skip }, async (t) => {
  const shared = new Shared(t);
  const first = await shared.open("a");
  await first.coordinator.close();
  const other = new Shared(t);
  await other.open("b");
  const options = { ...other.options("b"), dataDir: join(shared.dir, "a") };
  await assert.rejects(openCoordinator(options), {
    code: "conflict",
    message: /belongs to another cluster/,
  });
});

test("X11: a leader that cannot reach its log answers nothing when its lease is over", {
  skip,
}, async (t) => {
  const edges = { console: { port: 0 }, p4: { listen: { host: "127.0.0.1", port: 0 } } };
  const first = await new Shared(t).open("a", edges);
  const { console: users, p4 } = first.coordinator;
  const asked = () => rawAnswer(users as { host: string; port: number }, ["REGISTER\0ana\0"]);
  const peers = async () => (await fetch(`http://127.0.0.1:${p4?.port}/peers`)).status;
  const statusIs = async (wanted: number): Promise<string> => {
    const ask = async () => {
      const answer = await first.call("GET", "/v1/jobs");
      return { status: answer.status, text: await answer.text() };
    };
    return (await polled(ask, ({ status }) => status === wanted)).text;
  };
  await statusIs(200);
  assert.equal((await asked()).length, 1);
  assert.notEqual(await peers(), 503);
  await server.down("SIGQUIT");
  assert.match(await statusIs(503), /checking whether it was replaced/);
  // The other edges, too, do not answer.
  assert.equal((await asked()).length, 0);
  assert.equal(await peers(), 503);
  await server.up();
  await statusIs(200);
});
