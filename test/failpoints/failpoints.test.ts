/** kill -9 of real processes before and after everything that they write, answer or order: what was
 *  acknowledged is there afterwards, once, and jobs end with the judge's output. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { suite, test } from "node:test";
import { isShort } from "../fixtures/depth.ts";
import { appendLane } from "./append-lane.ts";
import { downloadLane } from "./download-lane.ts";
import { coordinatorLane, storeLane, workerLane } from "./lanes.ts";
import { placesInSources } from "./points.ts";

const places = placesInSources();

/** Who passes which points, by how their names begin. Where the first time is at the start of the
 *  process already, a later one is taken. */
const lanes = {
  store: ["log", "blob", "directory", "secret", "sweep", "spill"],
  coordinator: ["loop", "edge", "token", "http", "serve", "coordinator"],
  worker: ["worker", "output", "shuffle"],
  download: ["download"],
  append: ["append"],
} as const;
const times: Readonly<Record<string, number>> = {
  "loop.append": 6,
  "loop.step": 6,
  "loop.reply": 7,
  "loop.perform": 5,
  "log.commit": 5,
  "log.insert": 5,
  "log.witness": 3,
  "edge.order": 3,
  // The first of them is of a block that is there already.
  "append.accept": 2,
  "append.merge": 2,
  "append.done": 2,
};

function failpointsOf(lane: keyof typeof lanes): string[] {
  const starts: readonly string[] = lanes[lane];
  return places
    .filter(({ point }) => starts.includes(point.split(".")[0] as string))
    .map(({ point, side }) => `${point}:${side}:${times[point] ?? 1}`);
}

/** All of them; in short tests every second point, on one of its sides. */
function chosen(lane: keyof typeof lanes): string[] {
  const points = [...new Set(places.map(({ point }) => point))];
  return failpointsOf(lane).filter((failpoint) => {
    const [point = "", side] = failpoint.split(":");
    if (!isShort) return true;
    return side === ["before", null, "after", null][points.indexOf(point) % 4];
  });
}

test("40 failpoints and more stand in the sources, each before and after, and in the list", () => {
  const points = new Set(places.map(({ point }) => point));
  assert.ok(points.size >= 40, `${points.size} failpoints`);
  const expected = [...points].flatMap((point) => [`${point}:before`, `${point}:after`]);
  const found = places.map(({ point, side }) => `${point}:${side}`);
  assert.deepEqual(found.toSorted(), expected.toSorted());
  const all = Object.keys(lanes).flatMap((lane) => failpointsOf(lane as keyof typeof lanes));
  assert.equal(all.length, places.length, "every failpoint belongs to one lane");
  const list = readFileSync(new URL("../../docs/failpoints.md", import.meta.url), "utf8");
  const listed = [...list.matchAll(/^\| `([a-z.-]+)` \|/gm)].map(([, point]) => point);
  assert.deepEqual(listed.toSorted(), [...points].sort(), "docs/failpoints.md lists them");
});

const failed = (missed: readonly string[]) => `never reached: ${missed.join(", ")}`;

suite("kill -9 at every failpoint (C1, C2, W1)", { concurrency: 3 }, () => {
  test("stores: what was acknowledged is there, what is there is whole", async (t) => {
    const failpoints = chosen("store");
    const missed = await storeLane(failpoints);
    assert.equal(missed.length, 0, failed(missed));
    t.diagnostic(`${failpoints.length} kills`);
  });

  test("downloads (F9): what has the name is whole, and asking again gives one file", async () => {
    const missed = await downloadLane(chosen("download"));
    assert.equal(missed.length, 0, failed(missed));
  });

  test("APPENDBLOCK: values are in their files once, and in all of them", async () => {
    const missed = await appendLane(chosen("append"));
    assert.equal(missed.length, 0, failed(missed));
  });

  test("coordinator: every job is there once and ends as the judge says", async (t) => {
    const failpoints = chosen("coordinator");
    // Two clusters, since each life waits more than it works.
    const halves = [0, 1].map((rest) => failpoints.filter((_, index) => index % 2 === rest));
    const missed = (await Promise.all(halves.map(coordinatorLane))).flat();
    assert.equal(missed.length, 0, failed(missed));
    t.diagnostic(`${failpoints.length} kills`);
  });

  test("workers: their tasks move on and jobs end as the judge says", async (t) => {
    const failpoints = chosen("worker");
    const missed = await workerLane(failpoints);
    assert.equal(missed.length, 0, failed(missed));
    t.diagnostic(`${failpoints.length} kills`);
  });
});
