/** Other commands while a coordinator starts: they wait and report its progress. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { startOf } from "../../src/cli/cluster/process/identity.ts";
import { openCoordinator } from "../../src/coordinator/coordinator.ts";
import { serveStarting } from "../../src/coordinator/edges/http/starting.ts";
import { polled } from "../../src/store/testing/polled.ts";
import { freePort } from "../fixtures/free-port.ts";
import { Place } from "../fixtures/place.ts";

test("G8: a command waits for a coordinator that replays its log, with a notice", async (t) => {
  const place = new Place(t);
  const host = "127.0.0.1";
  const port = await freePort();
  const dataDir = join(place.dir, "data");
  const listen = `${host}:${port}`;
  const options = { dataDir, listen, version: "test" };
  const first = await openCoordinator(options);
  place.write("token", first.adminToken);
  await first.close();
  const starting = serveStarting({ host, port }, null);
  starting.replayed({ done: 3, total: 9 });
  const answer = await fetch(`http://${listen}/v1/health`);
  assert.equal(answer.status, 503);
  assert.deepEqual(await answer.json(), {
    code: "unavailable",
    message:
      "the coordinator is starting: 3 of 9 records of its log are replayed; try again in a moment",
    retryable: true,
  });
  const token = ["--token", first.adminToken];
  const jobs = place.start("jobs", "--url", `http://${listen}`, ...token);
  const { stderr } = jobs.child;
  await once(stderr!, "data");
  await starting.close();
  const second = await openCoordinator(options);
  t.after(() => second.close());
  const { code, err, out } = await jobs.ended;
  assert.match(err, /^the coordinator is starting: 3 of 9 records of its log are replayed\n/);
  assert.equal(code, 0, err);
  assert.match(out, /no jobs yet/);
});

test("G10: a `run` finds its coordinator when that comes back at another port", async (t) => {
  const job = `import { tasks } from "tequio";
export default tasks({ items: [6, 7], run: (n) => n * n });
`;
  const place = new Place(t, { "job.ts": job });
  const listen = ["up", "--listen", "127.0.0.1:0"];
  const first = place.start(...listen, "--workers", "0");
  const portIn = (said: string) => /127\.0\.0\.1:\d+/.exec(said)?.[0];
  const before = portIn(await first.said("run a job"));
  const run = place.start("run", "job.ts", "-o", "-");
  await run.said("is submitted");
  first.child.kill("SIGKILL");
  await first.ended;
  // The system may give the same port again; then the next start has another.
  const holder = createServer();
  holder.listen(Number(before?.split(":")[1]), "127.0.0.1").once("error", () => {});
  t.after(() => holder.close());
  const second = place.start(...listen, "--workers", "1");
  assert.notEqual(portIn(await second.said("run a job")), before);
  const { code, err, out } = await run.ended;
  assert.deepEqual([code, out], [0, "36\n49\n"], err);
  second.child.kill("SIGINT");
  await second.ended;
});

test("G9: a `run` that is ended by SIGTERM does not report a silent coordinator", async (t) => {
  const slow = `import { tasks } from "tequio";
export default tasks({ items: () => [1], run: () => new Promise(() => setInterval(() => {}, 9)) });
`;
  const place = new Place(t, { "slow.ts": slow });
  const up = place.start("up", "--listen", "127.0.0.1:0", "--workers", "1");
  await up.said("run a job");
  const run = place.start("run", "slow.ts", "-o", "-");
  await run.said("is submitted");
  // It follows the job once the coordinator has a watcher of it: its first lines show that.
  await run.said("task");
  run.child.kill("SIGTERM");
  const { err } = await run.ended;
  assert.doesNotMatch(err, /does not answer/);
  assert.match(err, /j-1 goes on; follow it again with: tequio attach j-1/);
  up.child.kill("SIGINT");
  await up.ended;
});

test("a command waits for an `up` that is on its way, and for no other", async (t) => {
  const place = new Place(t);
  const { pid } = process;
  const mark = (start: string) => place.write("data/starting.json", JSON.stringify({ pid, start }));
  mark("another process");
  const none = await place.run("jobs");
  assert.equal(none.code, 3);
  assert.match(none.err, /^tequio: unavailable: no coordinator runs on this machine/);
  // This process stands for one that builds its web page.
  mark(startOf(pid) ?? "");
  const jobs = place.start("jobs");
  await jobs.said("is starting; waiting for it");
  const listed = { dataDir: join(place.dir, "data"), listen: "127.0.0.1:0", version: "test" };
  const coordinator = await openCoordinator(listed);
  t.after(() => coordinator.close());
  const { fingerprint, url } = coordinator;
  const endpoint = { url, fingerprint, pid, start: startOf(pid), version: "test" };
  place.write("data/endpoint.json", JSON.stringify(endpoint));
  const { code, err, out } = await jobs.ended;
  assert.equal(code, 0, err);
  assert.match(out, /no jobs yet/);
});

test("`down` finds an `up` that has just begun, and leaves no mark of it", async (t) => {
  const place = new Place(t);
  const up = place.start("up", "--listen", "127.0.0.1:0", "--workers", "0");
  const has = (name: string) => existsSync(join(place.dir, "data", name));
  const ofUp = ["starting.json", "endpoint.json"];
  await polled(async () => ofUp.some(has), Boolean);
  const down = await place.run("down");
  assert.equal(down.code, 0, down.err);
  assert.match(down.out, /the coordinator has stopped/);
  assert.equal((await up.ended).code, 0);
  assert.deepEqual(ofUp.filter(has), []);
});
