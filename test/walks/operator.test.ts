/** The walk of an operator: a cluster started at a terminal, looked at, a worker drained, and all
 *  ended. Standbys are in `test/engines`, since they need an engine. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Place } from "../fixtures/place.ts";
import { atTerminal, ctrlC, plain, skip } from "./terminal.ts";

const job = `import { tasks } from "tequio";
export default tasks({ name: "nights", items: [1, 2, 3, 4], run: (item) => item });
`;
const columns = 100;

test("an operator starts a cluster, looks at it, and ends it", {
  skip,
  timeout: 120_000,
}, async (t) => {
  const place = new Place(t, { "job.ts": job });
  const up = atTerminal(place, ["up", "--workers", "1", "--listen", "127.0.0.1:0"], columns);
  const greeting = await up.shows("run a job");
  const lines = greeting.split(/\r?\n/);
  // The dashboard's has the administrator's token, which is kept as it is.
  const broken = lines.filter((one) => one.length > columns && !one.startsWith("dashboard"));
  assert.deepEqual(broken, [], "no line, and so no link, breaks");
  const [, url, token] = /tequio join (\S+) --token (\S+)/.exec(greeting)!;

  const joined = ["--slots", "1", "--listen", "127.0.0.1:0", "--data", "second", "--drain", "60s"];
  const worker = place.start("join", url!, "--token", token!, ...joined);
  const run = await place.run("run", "job.ts", "-o", "-");
  assert.equal(run.out, "1\n2\n3\n4\n");

  const top = atTerminal(place, ["top"], columns);
  await top.shows("2 workers");
  top.press(ctrlC);
  const { code, out } = await top.running.ended;
  const seen = plain(out);
  assert.equal(code === 0 || code === 130, true, seen);
  assert.match(seen, /no job runs/);

  const metrics = JSON.parse((await place.run("metrics", "--json")).out) as Record<string, number>;
  const named = Object.keys(metrics);
  assert.ok(
    named.some((name) => /workers/.test(name)),
    named.join(" "),
  );
  const doctor = await place.run("doctor");
  assert.ok([0, 1].includes(doctor.code!), doctor.err);
  assert.match(doctor.out, /workers|coordinator/);

  worker.child.kill("SIGTERM");
  assert.equal((await worker.ended).code, 0);
  const left = await place.run("workers", "--all");
  assert.match(left.out, /left/);
  const down = await place.run("down");
  assert.equal(down.code, 0, down.err);
  assert.equal((await up.running.ended).code, 0);
});
