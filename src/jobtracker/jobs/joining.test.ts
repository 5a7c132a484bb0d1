/** Who asks for a job that runs gets its result only for the same functions and data. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type TestContext, test } from "node:test";
import type { Listen } from "../../link/listen.ts";
import { temporaryDir } from "../../store/testing/at-end.ts";
import type { JobRequest } from "../../wire/filesystem/jobs.ts";
import type { FileSystem } from "../files/file-system.ts";
import { isClientOf, Joining } from "./joining.ts";
import { type JobEnd, type KeptJob, KeptJobs } from "./kept.ts";
import { jobRequest } from "./testing/request.ts";

const at = (port: number): Listen => ({ host: "127.0.0.1", port });
const requestBy = (client: Listen): JobRequest => ({ ...jobRequest, client });
const contentOfAll = createHash("sha256").update("j/functions.pyj/map_data").digest("hex");

/** A job of client 1 that is not cut yet; each file has its own name as its content. */
class Case {
  readonly kept: KeptJobs;
  readonly joining: Joining;
  readonly told: Array<readonly [port: number, what: string]> = [];
  readonly stop = new AbortController();
  isRunning = true;

  constructor(dir: string) {
    const files = {
      async *read(url: string) {
        yield Buffer.from(url);
      },
    } as unknown as FileSystem;
    this.kept = new KeptJobs(dir);
    this.joining = new Joining({
      kept: this.kept,
      filesAt: async () => files,
      isRunning: () => this.isRunning,
      add: (_, { port }) => this.told.push([port, "added"]),
      tellEnd: ({ port }, end) => this.told.push([port, textOf(end)]),
      signal: this.stop.signal,
      onError: (error) => assert.fail(String(error)),
    });
  }

  static begun(t: TestContext): Case {
    const made = new Case(temporaryDir(t, "joining-"));
    const request = requestBy(at(1));
    const rest = { filesystem: at(9), ping: at(8), run: "r", isSpread: true, mapTasks: null };
    const begun = { clients: [at(1)], joining: [], content: null, submitted: null, end: null };
    made.kept.put({ request, ...rest, ...begun });
    return made;
  }

  get job(): KeptJob {
    return this.kept.find("j") as KeptJob;
  }
}

function textOf(end: JobEnd): string {
  return "resultUrl" in end ? end.resultUrl : end.info.replace(/:.*/s, "");
}

/** What the client sends has been read: no step of that waits for more than the one before. */
const readOnce = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const refused = "job j runs with other functions or data";

test("it is compared once the job has been read, and added when it is the same", async (t) => {
  const one = Case.begun(t);
  one.joining.take(one.job, requestBy(at(2)));
  assert.ok(isClientOf(one.job, at(2)) && !isClientOf(one.job, at(3)));
  await readOnce();
  one.kept.change("j", { mapTasks: 3 });
  await readOnce();
  assert.deepEqual(one.told, []);
  one.kept.change("j", { content: contentOfAll });
  await one.joining.ended();
  assert.deepEqual(one.told, [[2, "added"]]);
  assert.deepEqual(one.job.joining, []);
});

test("other functions or data are refused, whatever an earlier result was made of", async (t) => {
  const one = Case.begun(t);
  one.kept.keepResult("j", { content: contentOfAll, resultUrl: "old" });
  one.joining.take(one.job, requestBy(at(2)));
  await readOnce();
  assert.deepEqual(one.told, []);
  one.kept.change("j", { content: "of other data" });
  await one.joining.ended();
  assert.deepEqual(one.told, [[2, refused]]);
});

test("a job that ends meanwhile gives its result to the same alone", async (t) => {
  for (const [content, expected] of [
    [contentOfAll, "j/result_data"],
    ["of other data", refused],
  ] as const) {
    const one = Case.begun(t);
    one.joining.take(one.job, requestBy(at(2)));
    one.isRunning = false;
    one.kept.keepResult("j", { content, resultUrl: "j/result_data" });
    one.kept.remove("j");
    await one.joining.ended();
    assert.deepEqual(one.told, [[2, expected]]);
  }
});

test("who was answered before a restart is compared after it", async (t) => {
  const dir = temporaryDir(t, "joining-");
  const before = new Case(dir);
  before.kept.put({ ...Case.begun(t).job });
  before.joining.take(before.job, requestBy(at(2)));
  before.stop.abort();
  await before.joining.ended();
  assert.deepEqual(before.told, []);
  const after = new Case(dir);
  after.joining.resume(after.job);
  after.kept.change("j", { content: contentOfAll });
  await after.joining.ended();
  assert.deepEqual(after.told, [[2, "added"]]);
});
