/** Profiles as they are kept: which trees are refused, and what functions took in all. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { framesProblem, type ProfileFrame, spentBy } from "./profile.ts";

const frames: readonly ProfileFrame[] = [
  [0, "all", "", 0, 100],
  [1, "map", "job.ts:3", 20, 90],
  [2, "walk", "job.ts:9", 30, 60],
  [3, "walk", "job.ts:9", 10, 20],
  [2, "split", "", 5, 5],
  [1, "walk", "job.ts:9", 10, 10],
];

test("a tree whose callees take no more than their callers is one", () => {
  assert.equal(framesProblem(frames), null);
});

test("what is no tree, or takes more time than there is, is refused", () => {
  const wrong: Array<[RegExp, readonly ProfileFrame[]]> = [
    [/no frame/, []],
    [/depth 1 behind one of -1/, [[1, "map", "", 1, 1]]],
    [
      /depth 0 behind one of 0/,
      [
        [0, "all", "", 0, 9],
        [0, "all", "", 0, 9],
      ],
    ],
    [
      /depth 2 behind one of 0/,
      [
        [0, "all", "", 0, 9],
        [2, "map", "", 1, 1],
      ],
    ],
    [/more time/, [[0, "all", "", 9, 8]]],
    [
      /more time/,
      [
        [0, "all", "", 0, 9],
        [1, "map", "", 1, 10],
      ],
    ],
    // Each alone would fit, both together do not.
    [
      /frame 2 .*more time/,
      [
        [0, "all", "", 0, 9],
        [1, "map", "", 5, 5],
        [1, "x", "", 5, 5],
      ],
    ],
    [
      /more time/,
      [
        [0, "all", "", 5, 9],
        [1, "map", "", 5, 5],
      ],
    ],
  ];
  for (const [said, given] of wrong) assert.match(framesProblem(given) ?? "", said);
});

test("a function that calls itself counts once, and its own time each time", () => {
  const rows = spentBy(frames).map(({ name, selfUs, totalUs }) => [name, selfUs, totalUs]);
  assert.deepEqual(rows, [
    ["walk", 50, 70],
    ["map", 20, 90],
    ["split", 5, 5],
  ]);
});

test("hundreds of frames on one way are read without descending", () => {
  const deep = Array.from({ length: 2_000 }, (_, at): ProfileFrame => [at, "f", "", 0, 1]);
  assert.equal(framesProblem(deep), null);
  assert.equal(spentBy(deep).length, 1);
});
