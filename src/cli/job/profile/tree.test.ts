/** A CPU profile as a tree, a table and a flame graph. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { framesProblem, profileLimits, spentBy } from "../../../wire/api/profile.ts";
import { flameHtml } from "./flame.ts";
import { profileLines } from "./table.ts";
import { type CpuProfile, framesOf, keptProfile, profileTree } from "./tree.ts";

/** Its url is its place; "" of code that V8 brings. */
function frame(id: number, functionName: string, url: string, ...children: number[]) {
  return { id, callFrame: { functionName, url, lineNumber: 0, columnNumber: 0 }, children };
}

/** tequio → map (job.ts:3) → split and again map, beside garbage collection and idle time. */
const given: CpuProfile = {
  nodes: [
    frame(1, "(root)", "", 2, 8, 9),
    frame(2, "runMap", "file:///tequio.js", 3),
    frame(3, "readAll", "file:///tequio.js", 4, 7),
    frame(4, "map", "job.ts:3", 5, 6),
    frame(5, "split", ""),
    frame(6, "map", "job.ts:3"),
    frame(7, "", "job.ts:9"),
    frame(8, "(garbage collector)", ""),
    frame(9, "(idle)", ""),
  ],
  samples: [2, 3, 4, 5, 6, 7, 8, 9],
  timeDeltas: [1_000, 1_000, 4_000, 2_000, 1_000, 500, 500, 90_000],
};
const profile = profileTree(given, ({ url }) => (url.startsWith("job.ts") ? url : null));

test("functions of the job are named, all else is one, idle time is none", () => {
  assert.equal(profile.root.totalUs, 10_000);
  assert.equal(profile.samples, 7);
  assert.deepEqual(
    spentBy(framesOf(profile)).map(({ name, place, selfUs, totalUs }) => [
      name,
      place,
      selfUs,
      totalUs,
    ]),
    [
      ["map", "job.ts:3", 5_000, 7_000],
      ["tequio", "", 2_000, 9_500],
      ["split", "", 2_000, 2_000],
      ["(anonymous)", "job.ts:9", 500, 500],
      ["garbage collection", "", 500, 500],
    ],
  );
  assert.deepEqual(profileLines(profile, "task 0 of j-1").slice(0, 4), [
    "task 0 of j-1: 10 ms, 7 samples",
    "   self    total  function",
    " 50.0 %   70.0 %  map                 job.ts:3",
    " 20.0 %   95.0 %  tequio",
  ]);
});

test("a flame graph has a bar for each function, and no markup of theirs", () => {
  const html = flameHtml(profile, "task 0 of <j-1>");
  assert.match(html, /<title>task 0 of &lt;j-1><\/title>/);
  assert.match(html, /<title>map \(job\.ts:3\): 7\.0 ms, 70\.0 %<\/title><rect class="job"/);
  assert.equal(html.match(/<rect/g)!.length, 7);
});

test("a task that is over at once has no profile, and the text says so", () => {
  const none = profileTree({ nodes: [] }, () => null);
  assert.deepEqual(profileLines(none, "task 0 of j-1"), [
    "task 0 of j-1: no sample was taken, it was over too soon",
  ]);
});

test("what is kept is the whole tree when it is small", () => {
  const kept = keptProfile(profile, { stage: 0, task: 3 });
  assert.deepEqual(
    kept.frames.map(([depth, name, place]) => [depth, name, place]),
    [
      [0, "all", ""],
      [1, "tequio", ""],
      [2, "map", "job.ts:3"],
      [3, "split", ""],
      [3, "map", "job.ts:3"],
      [2, "(anonymous)", "job.ts:9"],
      [1, "garbage collection", ""],
    ],
  );
  assert.equal(framesProblem(kept.frames), null);
});

test("of a large tree the frames that take the most time are kept, within every limit", () => {
  // A way of 300 calls, each of which calls 20 others with names of 500 characters.
  const nodes: Array<CpuProfile["nodes"][number]> = [];
  const samples: number[] = [];
  const others = 20;
  for (let depth = 0; depth < 300; depth++) {
    const id = 1 + depth * (others + 1);
    const callees = Array.from({ length: others }, (_, i) => id + 1 + i);
    const next = depth === 299 ? [] : [id + others + 1];
    nodes.push(frame(id, `way ${depth}`, "job.ts:1", ...callees, ...next));
    for (const one of callees) nodes.push(frame(one, `é${one}`.repeat(100), "job.ts:2"));
    samples.push(id, ...callees);
  }
  const timeDeltas = samples.map(() => 10);
  const large = profileTree({ nodes, samples, timeDeltas }, ({ url }) => url);
  const kept = keptProfile(large, { stage: 1, task: 0 });
  assert.equal(framesProblem(kept.frames), null);
  assert.ok(kept.frames.length <= profileLimits.frames && kept.frames.length > 200);
  assert.ok(Buffer.byteLength(JSON.stringify(kept)) <= profileLimits.bytes);
  const deepest = kept.frames.reduce((most, [depth]) => Math.max(most, depth), 0);
  assert.equal(deepest, profileLimits.depth, "the way takes more time than what it calls");
  assert.equal(kept.frames[0]?.[4], 300 * 21 * 10, "no time is lost");
});
