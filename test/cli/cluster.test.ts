/** `tequio up` and all that talks to it: real processes, ended by the test. */
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { freePort } from "../fixtures/free-port.ts";
import { Place, type Running } from "../fixtures/place.ts";

const slowJob = `import { log, tasks } from "tequio";
export default tasks({
  name: "slow",
  params: { count: 4, ms: 100 },
  items: (params) => Array.from({ length: params.count }, (_, i) => i),
  async run(item, { params }) {
    log("item", item);
    await new Promise((resolve) => setTimeout(resolve, params.ms));
    return item * item;
  },
});
`;

/** A started cluster; Ctrl-C and nothing left is part of every test that uses it. */
async function startUp(place: Place, ...options: string[]): Promise<Running> {
  const up = place.start("up", "--listen", "127.0.0.1:0", ...options);
  await up.said("run a job");
  return up;
}

async function interrupt(place: Place, up: Running): Promise<void> {
  up.child.kill("SIGINT");
  const { code, err } = await up.ended;
  assert.equal(code, 0, err);
  if (process.platform === "linux") assert.deepEqual(place.processes(), []);
}

/** What a command prints as JSON. */
async function asked(place: Place, ...args: string[]) {
  const { code, out, err } = await place.run(...args, "--json");
  assert.equal(code, 0, err);
  return JSON.parse(out);
}

test("every command works with what `up` started, and Ctrl-C leaves nothing", async (t) => {
  const place = new Place(t, { "slow.ts": slowJob });
  // An audited task would have one attempt more.
  const up = await startUp(place, "--workers", "2", "--audit", "0");
  const ran = await place.run("run", "slow.ts", "-o", "-");
  assert.equal(ran.out, "0\n1\n4\n9\n", ran.err);
  const detached = await place.run("run", "slow.ts", "--detach");
  assert.equal(detached.out, "j-2\n", "for a script: the id alone");
  assert.match(detached.err, /^j-2 is submitted; follow it with: tequio attach j-2$/m);
  const attached = await place.run("attach", "j-2", "-o", "two", "--watch");
  assert.equal(attached.code, 0, attached.err);
  assert.equal(place.read("two/results.ndjson"), "0\n1\n4\n9\n");
  const jobs = await asked(place, "jobs");
  assert.deepEqual(
    jobs.map((job: { job: string; state: string }) => `${job.job} ${job.state}`),
    ["j-2 done", "j-1 done"],
  );
  assert.match((await place.run("status", "j-1")).out, /^j-1 {2}slow {2}done.*4\/4 tasks/s);
  assert.match((await place.run("logs", "j-1")).out, /\| item 3/);
  assert.equal((await asked(place, "workers")).length, 2);
  const top = await place.run("top");
  assert.match(
    top.out,
    /^2 workers, 0 of 2 slots busy\n\nno job is running\n/,
    "once, into a pipe",
  );
  assert.match(top.out, /^w-2 /m);
  const metrics = await asked(place, "metrics");
  assert.equal(metrics['tequio_attempts_total{outcome="done"}'], 8);
  assert.match((await place.run("metrics")).out, /^# TYPE tequio_attempt_seconds histogram$/m);
  assert.equal((await place.run("get", "j-1", "--merge", "one.ndjson")).code, 0);
  assert.equal(place.read("one.ndjson"), "0\n1\n4\n9\n");
  assert.equal((await place.run("rm", "j-1")).code, 0);
  assert.equal((await place.run("status", "j-1")).code, 2);
  await interrupt(place, up);
  assert.equal((await place.run("jobs")).code, 3);
});

test("tokens, and the directory, are for their owner only", async (t) => {
  const place = new Place(t);
  const up = await startUp(place, "--workers", "1");
  const data = join(place.dir, "data");
  for (const file of ["admin.token", "endpoint.json", "workers/1/join.token"]) {
    assert.equal(statSync(join(data, file)).mode & 0o777, 0o600, file);
  }
  const { id, token } = await asked(place, "token", "create", "--role", "reader", "--owner", "ana");
  const { url } = JSON.parse(readFileSync(join(data, "endpoint.json"), "utf8"));
  const there = ["--url", url, "--token", token];
  assert.equal((await place.run("jobs", ...there)).code, 0);
  assert.match((await place.run("token", "ls", ...there)).err, /^tequio: forbidden: /);
  assert.match((await place.run("token", "ls")).out, new RegExp(`${id} +reader +ana`));
  await place.run("token", "revoke", id);
  const refused = await place.run("jobs", ...there);
  assert.match(refused.err, /^tequio: unauthenticated: .*revoked/);
  assert.equal(refused.code, 2);
  await interrupt(place, up);
});

test("a cancelled run says so, exits 130, and leaves the cluster as it was", async (t) => {
  const place = new Place(t, { "slow.ts": slowJob });
  const up = await startUp(place, "--workers", "1");
  const run = place.start("run", "slow.ts", "--param", "ms=60000", "--watch");
  await run.said("| item 0");
  run.child.kill("SIGINT");
  const { code, err } = await run.ended;
  assert.match(err, /cancelling the job; Ctrl-C again detaches\n.*j-1 is cancelled/s);
  assert.equal(code, 130);
  const [job] = await asked(place, "jobs");
  assert.equal(job.state, "cancelled");
  await interrupt(place, up);
});

test("Ctrl-C of a local run ends it and everything that it started", async (t) => {
  const place = new Place(t, { "slow.ts": slowJob });
  const run = place.start("run", "--local", "slow.ts", "--param", "ms=60000", "--watch");
  await run.said("| item 0");
  run.child.kill("SIGINT");
  assert.equal((await run.ended).code, 130);
  assert.deepEqual(place.leftovers(), []);
  if (process.platform === "linux") assert.deepEqual(place.processes(), []);
});

test("after kill -9 of `up`, the next one adopts its workers, and the job goes on", async (t) => {
  const place = new Place(t, { "slow.ts": slowJob });
  const listen = ["--workers", "2", "--listen", `127.0.0.1:${await freePort()}`];
  const first = place.start("up", ...listen);
  await first.said("run a job");
  const run = place.start(
    "run",
    "slow.ts",
    "--param",
    "count=20",
    "--param",
    "ms=200",
    "-o",
    "-",
    "--watch",
  );
  await run.said("| item 3");
  first.child.kill("SIGKILL");
  await first.ended;
  const second = place.start("up", ...listen);
  assert.match(await second.said("run a job"), /workers +2 \(2 were still running\)/);
  const { code, out, err } = await run.ended;
  assert.equal(code, 0, err);
  assert.equal(out, Array.from({ length: 20 }, (_, i) => `${i * i}\n`).join(""));
  assert.deepEqual(
    (await asked(place, "workers")).map((w: { worker: string }) => w.worker),
    ["w-1", "w-2"],
  );
  await interrupt(place, second);
});

test("another machine joins with the line that `up` prints, and leaves at Ctrl-C", async (t) => {
  const place = new Place(t, { "slow.ts": slowJob });
  const up = await startUp(place, "--workers", "0");
  const [, line = ""] = /join with +tequio (.*)/.exec(await up.said("run a job")) ?? [];
  const joined = place.start(...line.split(" "), "--slots", "2", "--name", "far");
  await joined.said("joined as w-1");
  const ran = await place.run("run", "slow.ts", "-o", "-");
  assert.equal(ran.out, "0\n1\n4\n9\n", ran.err);
  const [worker] = await asked(place, "workers");
  assert.deepEqual([worker.name, worker.slots], ["far", 2]);
  joined.child.kill("SIGINT");
  const { code, err } = await joined.ended;
  assert.equal(code, 0, err);
  assert.deepEqual(await asked(place, "workers"), []);
  await interrupt(place, up);
});

test("a join token is revoked alone, or with the workers that it let in", async (t) => {
  const place = new Place(t);
  const up = await startUp(place, "--workers", "0");
  const [, line = ""] = /join with +tequio (.*)/.exec(await up.said("run a job")) ?? [];
  const joined = place.start(...line.split(" "), "--slots", "1");
  await joined.said("joined as w-1");
  const code = /--token (\S+)/.exec(line)?.[1] as string;
  const alone = await place.run("token", "revoke", code);
  const id = /^token ([0-9a-f]+) /.exec(alone.out)?.[1] as string;
  const stays = "1 worker that it let in (w-1) stays: add --members to revoke these, too";
  assert.equal(alone.out, `token ${id} is revoked; ${stays}\n`, alone.err);
  const all = await place.run("token", "revoke", id, "--members");
  assert.equal(all.out, `token ${id} is revoked, and 1 worker that it let in (w-1)\n`, all.err);
  const ended = await joined.ended;
  assert.equal(ended.code, 2);
  assert.match(ended.err, /^tequio: unauthenticated: /);
  await interrupt(place, up);
});

test("beyond this machine everything goes over TLS to the pinned certificate", async (t) => {
  const place = new Place(t, { "slow.ts": slowJob });
  const up = place.start("up", "--listen", "0.0.0.0:0", "--workers", "1");
  const said = await up.said("run a job");
  assert.match(said, /^coordinator {2}https:/);
  const ran = await place.run("run", "slow.ts", "--param", "ms=1", "-o", "-");
  assert.equal(ran.out, "0\n1\n4\n9\n", ran.err);
  const [, line = ""] = /join with +tequio (.*)/.exec(said) ?? [];
  const pinned = / --fingerprint ([0-9a-f]{64})$/.exec(line)?.[1] as string;
  const other = line.replace(pinned, pinned.replace(/./g, "0")).split(" ");
  const refused = await place.run(...other);
  assert.match(refused.err, /^tequio: unauthenticated: .*another certificate/);
  assert.equal(refused.code, 2);
  await interrupt(place, up);
});

test("a wrong join token is refused at once, not tried for ever", async (t) => {
  const place = new Place(t);
  const up = await startUp(place, "--workers", "0");
  const { url } = JSON.parse(place.read("data/endpoint.json"));
  const { code, err } = await place.run("join", url, "--token", "mrt_join_wrong");
  assert.match(err, /^tequio: unauthenticated: /);
  assert.equal(code, 2);
  await interrupt(place, up);
});

test("`up` says what to do about a directory in use, a newer one, and a port in use", async (t) => {
  const place = new Place(t);
  const up = await startUp(place, "--workers", "0");
  const again = await place.run("up", "--listen", "127.0.0.1:0", "--workers", "0");
  assert.match(again.err, /^tequio: fenced: .*data.* is in use by process .*\n/);
  assert.match(
    again.err,
    /\nStop it: tequio down --data .*\nOr take its place: tequio up --data .* --take-over\n$/,
  );
  assert.equal(again.code, 1);
  const { url } = JSON.parse(place.read("data/endpoint.json"));
  const other = join(place.dir, "other");
  const at = url.slice(7);
  const taken = at.slice(at.indexOf(":") + 1);
  const inUse = /^tequio: conflict: port \d+ of 127\.0\.0\.1 is in use; .*: (--.+)\n$/;
  const none = ["--data", other, "--workers", "0"];
  for (const [advice, ...command] of [
    ["--listen 127.0.0.1:0", "up", ...none, "--listen", at],
    ["--console-port 0", "up", ...none, "--listen", "127.0.0.1:0", "--console-port", taken],
    ["--p4-port 0", "up", ...none, "--listen", "127.0.0.1:0", "--p4-port", taken],
    ["--listen 127.0.0.1:0", "gateway", "--listen", at],
    ["--listen 127.0.0.1:0", "join", url, "--token", "x", "--data", other, "--listen", at],
    ["--listen 127.0.0.1:0", "share", place.write("f", "x"), "--link", "--listen", at],
  ] as const) {
    const { code, err } = await place.run(...command);
    assert.equal(inUse.exec(err)?.[1], advice, err);
    assert.equal(code, 2);
  }
  await interrupt(place, up);
  const keys = JSON.parse(place.read("data/cluster.json"));
  place.write("data/cluster.json", JSON.stringify({ ...keys, version: 99 }));
  const newer = await place.run("up", "--listen", "127.0.0.1:0", "--workers", "0");
  assert.match(newer.err, /^tequio: version-mismatch: .*newer version.*--data/);
  assert.equal(newer.code, 2);
});

test("`down` stops it from elsewhere", async (t) => {
  const place = new Place(t);
  const up = await startUp(place, "--workers", "1");
  const down = await place.run("down");
  assert.equal(down.out, "the coordinator has stopped\n", down.err);
  assert.equal((await up.ended).code, 0);
  if (process.platform === "linux") assert.deepEqual(place.processes(), []);
});

test("C8: a second `up` is refused with advice, or takes the place of the first", async (t) => {
  const place = new Place(t);
  const first = await startUp(place, "--workers", "0");
  const refused = await place.run("up", "--listen", "127.0.0.1:0", "--workers", "0");
  assert.equal(refused.code, 1);
  assert.match(refused.err, /fenced: .* in use by process \d+.*\n.*tequio down.*\n.*--take-over/);
  const second = await startUp(place, "--workers", "0", "--take-over");
  assert.equal((await first.ended).code, 0);
  await interrupt(place, second);
});

test("a data directory where nothing can be made is refused at once", async (t) => {
  if (process.platform !== "linux") return t.skip("needs /proc");
  const place = new Place(t);
  for (const command of [["up"], ["join", "127.0.0.1:1", "--token", "x"]]) {
    const { code, err } = await place.run(...command, "--data", "/proc/x");
    assert.equal(code, 2);
    assert.match(err, /bad-request: \/proc\/x cannot be a data directory/);
  }
});

test("a token that is not accepted is reported once", async (t) => {
  const place = new Place(t);
  const up = await startUp(place, "--workers", "0");
  const { url } = JSON.parse(readFileSync(join(place.dir, "data", "endpoint.json"), "utf8"));
  const { code, out, err } = await place.run("join", url, "--token", "mrt_no", "--data", "w");
  assert.equal(code, 2);
  assert.equal((out + err).match(/not a token/g)?.length, 1, out + err);
  await interrupt(place, up);
});
