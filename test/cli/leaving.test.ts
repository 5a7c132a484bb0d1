/** `tequio join` that leaves: after SIGTERM, and when it has no work. Real processes; one cluster
 *  for all of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Place } from "../fixtures/place.ts";

const job = `import { mapReduce, text } from "tequio";
export default mapReduce({
  name: "slow",
  clock: "real",
  params: { mapMs: 0 },
  input: text.lines(),
  map(line, emit, { params }) {
    console.log("it has begun");
    for (const endMs = Date.now() + params.mapMs; Date.now() < endMs; );
    emit(line, 1);
  },
  combine: (a, b) => a + b,
});
`;

test("an idle worker leaves; one that drains ends its task, and serves its output", async (t) => {
  const place = new Place(t, { "job.ts": job, "input.txt": "one\n" });
  const up = place.start("up", "--workers", "0", "--listen", "127.0.0.1:0");
  const said = await up.said("run a job");
  const [, url] = /tequio join (\S+)/.exec(said) ?? [];
  const [, token] = /--token (\S+)/.exec(said) ?? [];
  assert.ok(url !== undefined && token !== undefined, said);
  const listen = ["--listen", "127.0.0.1:0"];
  const join = ["join", url, "--token", token, "--slots", "1", ...listen];

  const beganMs = performance.now();
  const bad = await place.run(...join, "--lifetime", "10s", "--drain", "8s");
  // Longer than what follows its first line takes to see that and to end its worker.
  const mapMs = Math.max(1_500, 4 * Math.round(performance.now() - beganMs));
  assert.equal(bad.code, 2, bad.err);
  assert.match(bad.err, /--lifetime must be at least twice as long as --drain/);

  const idle = place.start(...join, "--data", "idle", "--idle-exit", "100ms", "--slots", "auto");
  const left = await idle.ended;
  assert.equal(left.code, 0, left.err);
  assert.match(left.out, /has left|ended before it had joined/);

  const worker = place.start(...join, "--data", "w", "--drain", "120s", "--json");
  await worker.said('"event":"joined"');
  const run = place.start(
    "run",
    "job.ts",
    "input.txt",
    "-o",
    "-",
    "--watch",
    "--param",
    `mapMs=${mapMs}`,
  );
  await run.said("it has begun");
  worker.child.kill("SIGTERM");
  await worker.said("takes nothing new: it was asked to drain");
  // It gets the reduce task, and fetches what the first one has made.
  const second = place.start(...join, "--data", "second");
  const ended = await run.ended;
  assert.equal(ended.code, 0, ended.err);
  assert.match(ended.out, /one/);
  const leaving = await worker.ended;
  assert.equal(leaving.code, 0, leaving.err);
  const all = JSON.parse((await place.run("workers", "--all", "--json")).out);
  const done = all.map((one: { done: number; failed: number }) => [one.done, one.failed]);
  const each = "each task by its first attempt";
  assert.deepEqual(
    done.slice(-2),
    [
      [1, 0],
      [1, 0],
    ],
    each,
  );
  second.child.kill("SIGINT");
  assert.equal((await second.ended).code, 0);
  up.child.kill("SIGINT");
  assert.equal((await up.ended).code, 0);
});
