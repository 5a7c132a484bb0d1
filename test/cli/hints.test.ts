/** What the command line advises can be done as it says: printed commands are pasted into a shell,
 *  in another directory and without the variables of the environment. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { testMaxMs } from "../../src/store/testing/patience.ts";
import { Place, type Running } from "../fixtures/place.ts";
import { repository } from "../fixtures/programs.ts";

const timeout = testMaxMs;
const job = `import { tasks } from "tequio";
export default tasks({ name: "hints", items: [1, 2, 3], run: (item: number) => item * item });
`;
const waiting = `import { log, tasks } from "tequio";
export default tasks({
  name: "waiting", items: [1],
  run() {
    log("begun");
    return new Promise<number>(() => {});
  },
});
`;

/** A cluster whose directory only `--data` names, in a folder that needs quotes. */
async function started(t: TestContext, ...options: string[]) {
  const place = new Place(t, { "job.ts": job, "waiting.ts": waiting });
  const data = join(place.dir, "it's here");
  const up = place.start("up", "--listen", "127.0.0.1:0", "--data", data, ...options);
  const greeting = await up.said("run a job");
  const at = (...args: string[]) => place.run(...args, "--data", data);
  return { place, data, up, greeting, at };
}

/** Runs `tequio …` as a shell would. */
function pasted(place: Place, line: string): { code: number | null; out: string; err: string } {
  const entry = join(repository, "bin", "tequio.js");
  const script = `tequio() { "${process.execPath}" "${entry}" "$@"; }\n${line}`;
  const env = { PATH: process.env.PATH, HOME: join(place.dir, "tmp") };
  const ran = spawnSync("sh", ["-c", script], { cwd: tmpdir(), env, timeout });
  return { code: ran.status, out: String(ran.stdout), err: String(ran.stderr) };
}

async function end(up: Running): Promise<void> {
  up.child.kill("SIGINT");
  const { code, err } = await up.ended;
  assert.equal(code, 0, err);
}

test("commands that are printed lead to the same coordinator when they are pasted", {
  timeout,
}, async (t) => {
  const { at, data, greeting, place, up } = await started(t, "--workers", "1");
  const run = await at("run", "job.ts", "--detach");
  const [, attach = ""] = /; follow it with: (tequio attach .*)\n/.exec(run.err) ?? [];
  const attached = pasted(place, attach);
  assert.equal(attached.code, 0, attach + attached.err);
  const [, get = ""] = /save its result with: (.*)\n/.exec(attached.out) ?? [];
  const saved = pasted(place, get.replace("out/", `'${place.dir}/saved'`));
  assert.equal(saved.code, 0, get + saved.err);
  assert.equal(place.read("saved/results.ndjson"), "1\n4\n9\n");

  const unknown = await at("status", "j-9");
  const [, jobs = ""] = /`(tequio jobs.*)`/.exec(unknown.err) ?? [];
  assert.match(pasted(place, jobs).out, /j-1 +done +hints/, unknown.err);

  const second = await place.run("up", "--listen", "127.0.0.1:0", "--workers", "0", "--data", data);
  assert.match(second.err, /take its place: tequio up .* --listen 127\.0\.0\.1:0 --workers 0 --t/);
  const [, down = ""] = /stop: Ctrl-C or (tequio down.*)\n/.exec(greeting) ?? [];
  const stopped = pasted(place, down);
  assert.equal(stopped.code, 0, down + stopped.err);
  assert.equal((await up.ended).code, 0);
});

test("a job that a key already names is followed, and shown as existing", {
  timeout,
}, async (t) => {
  const { at, up } = await started(t, "--workers", "1");
  const first = await at("run", "job.ts", "--key", "once", "-o", "-");
  assert.match(first.err, /^j-1 is submitted to http/);
  const unnamed = await at("run", "job.ts", "--key", "", "-o", "-");
  assert.equal(unnamed.code, 2);
  assert.match(unnamed.err, /the key of the job has 0 characters; it must have 1 to 200/);
  const again = await at("run", "job.ts", "--key", "once", "-o", "-");
  assert.match(again.err, /^j-1 exists already, by the key once: it is done\n/);
  assert.doesNotMatch(again.err, /submitted/);
  assert.deepEqual([again.code, again.out], [0, "1\n4\n9\n"]);
  const detached = await at("run", "job.ts", "--key", "once", "--detach");
  assert.equal(detached.out, "j-1\n");
  assert.match(detached.err, /^j-1 exists already, .* is done; follow it with: tequio attach/);
  const told = await at("run", "job.ts", "--key", "once", "--detach", "--json");
  assert.deepEqual(JSON.parse(told.out), { job: "j-1", existed: true });
  await end(up);
});

test("`rm` says how much of a job stays, since another job has it, too", { timeout }, async (t) => {
  const { at, up } = await started(t, "--workers", "1");
  for (const key of ["one", "two", "three"]) await at("run", "job.ts", "--key", key, "-o", "-");
  const { freedBytes, job } = JSON.parse((await at("rm", "j-3", "--json")).out);
  assert.deepEqual([job, freedBytes], ["j-3", 0]);
  const first = await at("rm", "j-1");
  assert.match(
    first.out,
    /^j-1 is removed, 0 B freed; [\d.]+ k?B stay, which other jobs use, too$/m,
  );
  assert.match((await at("rm", "j-2")).out, /^j-2 is removed, [\d.]+ k?B freed$/m);
  await end(up);
});

test("a hint of Ctrl-C has the options of the run, and an ignored option is refused", {
  timeout,
}, async (t) => {
  const { at, data, place, up } = await started(t, "--workers", "1");
  const refused = await at("run", "job.ts", "--detach", "-o", "out");
  assert.equal(refused.code, 2);
  assert.match(refused.err, /--detach and --output cannot .*`tequio get j-N -o DIR --data '.*'`/);
  assert.deepEqual(JSON.parse((await at("jobs", "--json")).out), [], "nothing was submitted");
  for (const [args, text] of [
    [["get", "j-1", "--limit", "1M"], /--limit is for shared files/],
    [["why", "w-1", "3"], /a worker has no tasks of its own/],
    [["run", "job.ts", "--reducers", "2"], /a list of tasks .*leave --reducers out/],
    [["jobs", "--url", "http://127.0.0.1:1", "--token", "t"], /--url and --data cannot/],
  ] as const) {
    const { code, err } = await at(...args);
    assert.equal(code, 2, err);
    assert.match(err, text);
  }
  const run = place.start("run", "waiting.ts", "--watch", "--data", data);
  await run.said("| begun");
  run.child.kill("SIGTERM");
  const { err } = await run.ended;
  assert.match(err, /j-1 goes on; follow it again with: tequio attach j-1 --data '.*here'/);
  await end(up);
});
