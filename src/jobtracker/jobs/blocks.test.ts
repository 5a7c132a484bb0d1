/** Blocks given to workers that lose answers, reports and results. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ClusterError } from "../../core/error.ts";
import { openReplyServer, type ReplyServer } from "../../link/zeromq/reply-server.ts";
import { askOnce } from "../../link/zeromq/request.ts";
import { testMaxMs, waitMaxMs } from "../../store/testing/patience.ts";
import { errorAnswer, okAnswer } from "../../wire/filesystem/answers.ts";
import { decodeMessage, encodeMessage } from "../../wire/filesystem/codec.ts";
import { addressField } from "../../wire/filesystem/fields.ts";
import { splitValue } from "../../wire/filesystem/jobs.ts";
import type { Row } from "../files/file-system.ts";
import { type BlocksParts, runBlocks } from "./blocks.ts";

const host = "127.0.0.1";
/** What no test waits for takes longer than any of them. */
const never = 600_000;
const limits = {
  lookEveryMs: 20,
  pingMs: never,
  taskMs: never,
  takenMs: never,
  writtenMs: never,
  writingMs: never,
  taskMaxMs: never,
};
const task = { jobId: "j", jobUrl: "./j", functionsUrl: "f", databaseUrl: "d", isPickled: false };

type Serve = (frame: Uint8Array) => Promise<Uint8Array>;

async function serving(t: TestContext, answer: Serve): Promise<ReplyServer> {
  const options = { host, port: 0, requestMaxBytes: 1e6, requestsMax: 8 };
  const server = await openReplyServer({ ...options, answer });
  t.after(() => server.close());
  return server;
}

/** One block, in a database that is these two fields. */
class Job {
  row: Row = { block_id: "map_0", state: "ADDED", worker_ip: "", worker_port: "" };
  readonly named = new Set<string>();
  given = 0;

  /** `answer` is what the worker makes of TASK, and of how often it came. */
  async run(
    t: TestContext,
    answer: (given: number, report: () => Promise<unknown>) => Promise<Uint8Array>,
    parts: Partial<BlocksParts> = {},
  ): Promise<string | null> {
    const asking = { timeoutMs: waitMaxMs, answerMaxBytes: 1e6 };
    const worker = await serving(t, (frame) => {
      this.given += 1;
      const to = addressField(decodeMessage(frame), "answer_addr");
      const done = encodeMessage("DONE", { worker_addr: [host, "1"], block_id: "map_0" });
      return answer(this.given, () => askOnce(to, done, asking));
    });
    const at = { host, port: worker.port };
    return runBlocks([{ id: "map_0", files: ["s"] }], {
      mirror: { blocks: async () => [this.row], named: async () => this.named },
      workers: async () => [{ at, room: 1 }],
      task: { ...task, task: "map" },
      host,
      advertised: host,
      refuse: () => null,
      own: () => ({ host, port: 1 }),
      onNews: () => {},
      signal: t.signal,
      isResumed: false,
      limits,
      ...parts,
    });
  }

  done(): void {
    this.row = { ...this.row, state: "DONE" };
    this.named.add("map_0");
  }
}

const taken = (port: number) => okAnswer(splitValue("task_ping", { host, port }));
const late = { timeout: testMaxMs };

test("a block that was reported and is never written is given again", late, async (t) => {
  const job = new Job();
  const pings = await serving(t, async () => okAnswer());
  await job.run(
    t,
    async (given, report) => {
      if (given === 2) job.done();
      setImmediate(() => report().catch(() => {}));
      return taken(pings.port);
    },
    { limits: { ...limits, writtenMs: 300 } },
  );
  assert.equal(job.given, 2);
});

test("a port that answers pings with ERROR is no longer that of a task", late, async (t) => {
  const job = new Job();
  const bad = errorAnswer(new ClusterError("bad-request", "PING is no report of a task"));
  const pings = await serving(t, async () => bad);
  await job.run(t, async (given) => {
    if (given === 2) job.done();
    return taken(pings.port);
  });
  assert.equal(job.given, 2);
});

test("a block is over when what it left has a name, not before", late, async (t) => {
  const job = new Job();
  let looks = 0;
  const blocks = async () => {
    looks += 1;
    // Named some looks after it is DONE.
    if (looks === 6) job.named.add("map_0");
    return [job.row];
  };
  const mirror = { blocks, named: async () => job.named };
  const pings = await serving(t, async () => okAnswer());
  await job.run(
    t,
    async () => {
      job.row = { ...job.row, state: "DONE" };
      return taken(pings.port);
    },
    { mirror },
  );
  assert.ok(job.named.has("map_0"));
});

test(
  "what a DONE block has left is uncertain when its worker is gone and named nothing",
  late,
  async (t) => {
    const job = new Job();
    const gone = await serving(t, async () => okAnswer());
    await gone.close();
    const running = job.run(
      t,
      async () => {
        job.row = { ...job.row, state: "DONE" };
        return taken(gone.port);
      },
      { limits: { ...limits, pingMs: 200 } },
    );
    assert.match(
      String(await running),
      /block map_0 is DONE, but its worker ended before it named/,
    );
  },
);

test(
  "a block stays with the worker that took it, although its answer was lost",
  late,
  async (t) => {
    const job = new Job();
    const pings = await serving(t, async () => okAnswer());
    let looks = 0;
    const blocks = async () => {
      // As an executor writes it first of all; it is done some looks later.
      if (job.given === 1) {
        const worker_port = String(pings.port);
        job.row = { ...job.row, state: "SUBMITTED", worker_ip: host, worker_port };
        looks += 1;
      }
      if (looks > 60) job.done();
      return [job.row];
    };
    const mirror = { blocks, named: async () => job.named };
    const { promise, resolve } = Promise.withResolvers<Uint8Array>();
    t.after(() => resolve(taken(1)));
    await job.run(t, () => promise, { mirror, limits: { ...limits, taskMs: 300 } });
    assert.equal(job.given, 1);
  },
);

test("a tracker that starts again gives nothing out that is being begun", late, async (t) => {
  const job = new Job();
  const pings = await serving(t, async () => okAnswer());
  let looks = 0;
  const blocks = async () => {
    looks += 1;
    const worker_port = String(pings.port);
    if (looks > 2) job.row = { ...job.row, state: "SUBMITTED", worker_ip: host, worker_port };
    if (looks > 60) job.done();
    return [job.row];
  };
  const mirror = { blocks, named: async () => job.named };
  await job.run(t, async () => taken(pings.port), { mirror, isResumed: true });
  assert.equal(job.given, 0);
});

test(
  "a block whose executor had not begun when its tracker ended is given anew",
  late,
  async (t) => {
    const job = new Job();
    const pings = await serving(t, async () => okAnswer());
    await job.run(
      t,
      async () => {
        job.done();
        return taken(pings.port);
      },
      { isResumed: true, limits: { ...limits, takenMs: 300 } },
    );
    assert.equal(job.given, 1);
  },
);

test(
  "a block that a worker does not end in time goes to another, which reports it",
  late,
  async (t) => {
    const job = new Job();
    const pings = await serving(t, async () => okAnswer());
    const news: string[] = [];
    const to = Promise.withResolvers<{ readonly host: string; readonly port: number }>();
    const [idle, busy] = await Promise.all([
      serving(t, async (frame) => {
        // The late report of the other: it has lost the block.
        const done = encodeMessage("DONE", {
          worker_addr: [host, String(busy.port)],
          block_id: "map_0",
        });
        const asking = { timeoutMs: waitMaxMs, answerMaxBytes: 1e6 };
        await askOnce(addressField(decodeMessage(frame), "answer_addr"), done, asking).catch(
          () => {},
        );
        job.done();
        to.resolve(addressField(decodeMessage(frame), "answer_addr"));
        return taken(pings.port);
      }),
      serving(t, async () => taken(pings.port)),
    ]);
    const at = (port: number, room: number) => ({ at: { host, port }, room });
    await job.run(t, async () => taken(pings.port), {
      // The one with most room is the one that never ends.
      workers: async () => [at(idle.port, 1), at(busy.port, 5)],
      limits: { ...limits, taskMaxMs: 200 },
      onNews: (text) => news.push(text),
    });
    await to.promise;
    assert.match(
      news[0] ?? "",
      new RegExp(`worker 127.0.0.1:${busy.port} has not ended block map_0`),
    );
  },
);

test("a block of our own worker stays there, however long it takes", late, async (t) => {
  const job = new Job();
  const pings = await serving(t, async () => okAnswer());
  let looks = 0;
  const blocks = async () => {
    looks += 1;
    if (looks > 20) job.done();
    return [job.row];
  };
  const own = await serving(t, async () => {
    job.given += 1;
    return taken(pings.port);
  });
  const at = { host, port: own.port };
  await job.run(t, async () => taken(pings.port), {
    mirror: { blocks, named: async () => job.named },
    workers: async () => [{ at, room: 1 }],
    own: () => at,
    limits: { ...limits, taskMaxMs: 1 },
  });
  assert.equal(job.given, 1);
});
