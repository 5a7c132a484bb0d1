/** What the command line says of jobs that the cluster keeps no longer. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { polled } from "../../src/store/testing/polled.ts";
import { Place } from "../fixtures/place.ts";

const job = `import { tasks } from "tequio";
export default tasks({ items: () => [1, 2], run: (n: number) => n * 2 });
`;

test("G4: with --keep, `jobs` and `get` say when a job was removed and why", async (t) => {
  const place = new Place(t, { "job.ts": job });
  const bounds = ["--keep", "2s", "--keep-bytes", "1G"];
  const up = place.start("up", "--listen", "127.0.0.1:0", "--workers", "1", ...bounds);
  await up.said("run a job");
  const run = await place.run("run", "job.ts", "-o", "out");
  assert.equal(run.code, 0, run.err);
  const jobs = await polled(
    () => place.run("jobs"),
    ({ out }) => !out.includes("j-1"),
  );
  assert.equal(jobs.out, "");
  assert.match(jobs.err, /^1 ended job was removed at \d{4}-\d\d-\d\d \d\d:\d\d UTC: /);
  assert.match(jobs.err, /: their time was over \(tequio up --keep\)\n$/);
  const get = await place.run("get", "j-1", "-o", "again");
  assert.equal(get.code, 2, get.err);
  assert.match(get.err, /^tequio: not-found: j-1 ended at \d{4}-\d\d-\d\dT[\d:]+Z, and its result/);
  assert.match(get.err, /was removed at \d{4}-[^ ]+Z: ended jobs are kept for a limited time/);
  up.child.kill("SIGINT");
  await up.ended;
});
