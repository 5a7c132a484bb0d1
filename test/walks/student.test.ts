/** The walk of a student: a sweep of 5,000 points at a terminal, left and followed again, its
 *  result a table. One cluster for all of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Place } from "../fixtures/place.ts";
import { atTerminal, ctrlC, plain, skip } from "./terminal.ts";

const points = 5_000;
const sweep = `import { tasks } from "tequio";
export default tasks({
  name: "sweep",
  output: "csv",
  params: { count: ${points} },
  items: ({ count }) => Array.from({ length: count }, (_, x) => ({ x, y: x % 7 })),
  run: ({ x, y }) => ({ x, y, z: Math.sqrt(x) + y }),
});
`;

test("a sweep is watched, left, followed again, and read as a table", {
  skip,
  timeout: 120_000,
}, async (t) => {
  const place = new Place(t, { "sweep.ts": sweep });
  const up = place.start("up", "--workers", "0", "--listen", "127.0.0.1:0");
  const [, url, token] = /tequio join (\S+) --token (\S+)/.exec(await up.said("run a job"))!;

  // Nothing can run yet: the terminal says so, and what to do.
  const run = atTerminal(place, ["run", "sweep.ts", "-o", "result.csv"]);
  const waiting = await run.shows("tequio join");
  assert.match(waiting, /tasks +░+ +0\/5,000 tasks/, "the bar is there from the start");
  assert.match(waiting, /waits: .*no worker is connected/i);

  run.press(ctrlC);
  await run.shows("[d]etach (the job goes on), [c]ancel the job");
  run.press("d");
  const left = await run.running.ended;
  const [, id] = /(j-\d+) goes on; follow it again with: tequio attach j-\d+/.exec(
    plain(left.out),
  )!;
  assert.equal(left.code, 130);

  place.start("join", url!, "--token", token!, "--slots", "1", "--listen", "127.0.0.1:0");
  const attach = atTerminal(place, ["attach", id!, "-o", "result.csv"], 60);
  const { code, out } = await attach.running.ended;
  const shown = plain(out);
  assert.equal(code, 0, shown);
  assert.match(shown, /tasks +(█+ +)?5,000\/5,000 tasks .* in /);
  assert.match(shown, /sweep done in .*, .* m?s of it before its first task: 5,000 records/);
  const lines = shown.split(/\r?\n/);
  assert.ok(
    lines.every((line) => line.length <= 60 || /^(wrote|sweep) /.test(line.trim())),
    shown,
  );

  const [header, ...rows] = place.read("result.csv").trim().split("\n");
  assert.equal(header, "x,y,z", "what the function returns of its point is there once");
  assert.equal(rows.length, points);
  assert.equal(rows[9], "9,2,5");

  const cancelled = atTerminal(place, ["run", "sweep.ts", "--param", "count=5001", "-o", "-"]);
  await cancelled.shows("tasks");
  cancelled.press(ctrlC);
  await Promise.race([cancelled.shows("[c]ancel the job"), cancelled.running.ended]);
  cancelled.press("c");
  const end = await cancelled.running.ended;
  assert.ok([0, 130].includes(end.code!), "cancelled, or done before the key was pressed");
});
