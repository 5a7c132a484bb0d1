/** A tracker that starts again while clients ask for its jobs. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { openReplyServer } from "../../link/zeromq/reply-server.ts";
import { newFolder, removeFolder } from "../../store/testing/at-end.ts";
import type { JobRequest } from "../../wire/filesystem/jobs.ts";
import { FileSystem } from "../files/file-system.ts";
import { isClientOf } from "./joining.ts";
import { KeptJobs } from "./kept.ts";
import { jobRequest } from "./testing/request.ts";
import { Tracker, type TrackerOptions } from "./tracker.ts";

const host = "127.0.0.1";
const request: JobRequest = { ...jobRequest, client: { host, port: 1 } };

/** Its file system takes questions and answers none. */
async function starting(t: TestContext, dir: string) {
  const silence = Promise.withResolvers<Uint8Array>();
  const server = await openReplyServer({
    host,
    port: 0,
    requestMaxBytes: 1e6,
    requestsMax: 8,
    answer: () => silence.promise,
  });
  const ending = new AbortController();
  const files = new FileSystem({ host, port: server.port }, { signal: ending.signal });
  const options: TrackerOptions = {
    dir,
    cluster: null as never,
    systems: async () => [files],
    host,
    advertised: host,
    refuse: () => null,
    jobsMax: 8,
    signal: ending.signal,
    onNews: () => {},
    onError: () => {},
    workers: null,
    own: () => ({ host, port: 1 }),
  };
  const tracker = new Tracker(options);
  const end = async () => {
    ending.abort();
    silence.resolve(new Uint8Array(0));
    await tracker.close();
    await server.close();
  };
  t.after(end);
  return { tracker, end };
}

test("a JOB that comes while a tracker takes up its jobs joins the one of before", async (t) => {
  const dir = newFolder("tequio-tracker-");
  t.after(() => removeFolder(dir));
  const first = await starting(t, dir);
  await first.tracker.resume();
  // The others are taken up before it.
  for (const jobId of ["a", "b", "c", "d", "e", "j"])
    await first.tracker.take({ ...request, jobId });
  await first.end();
  const before = new KeptJobs(dir).find("j");
  const { tracker } = await starting(t, dir);
  const taking = tracker.take({ ...request, client: { host, port: 2 } });
  await tracker.resume();
  const ping = await taking;
  const now = new KeptJobs(dir).find("j");
  assert.equal(now?.run, before?.run);
  assert.deepEqual(now?.ping, ping);
  assert.ok(now !== null && [1, 2].every((port) => isClientOf(now, { host, port })));
});
