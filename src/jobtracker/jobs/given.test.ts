/** What becomes of a block, by what its row, its worker and the names of its results say. */
import assert from "node:assert/strict";
import test from "node:test";
import { type BlockFacts, fateOf, type Given } from "./given.ts";

const ping = { host: "127.0.0.1", port: 4_000 };
const patience = {
  takenMs: 5_000,
  writtenMs: 60_000,
  writingMs: 660_000,
  taskMaxMs: 3_600_000,
};

function fate(
  fields: Partial<Given>,
  { hasResult = false, isDone = false }: Partial<BlockFacts>,
  nowMs: number,
) {
  const times = { sinceMs: 0, reportedMs: null, writingMs: null, doneMs: null };
  return fateOf(
    { worker: null, ping, missed: 0, ...times, ...fields },
    { hasResult, isDone },
    { ...patience, nowMs },
  );
}

test("a block waits while its task answers pings, and is lost when two are not answered", () => {
  assert.equal(fate({}, {}, 1e6), "waits");
  assert.equal(fate({ missed: 1 }, {}, 1e6), "waits");
  assert.equal(fate({ missed: 2 }, {}, 10), "lost");
});

test("a block of which it is not known whether a worker took it is lost after a while", () => {
  assert.equal(fate({ ping: null }, {}, 5_000), "waits");
  assert.equal(fate({ ping: null }, {}, 5_001), "lost");
});

test("a block that was reported is lost when its row is not DONE in time, and not before", () => {
  assert.equal(fate({ reportedMs: 1_000, missed: 9 }, {}, 61_000), "waits");
  assert.equal(fate({ reportedMs: 1_000 }, {}, 61_001), "lost");
});

test("a block that is DONE is over once its results have names, or nothing is to be named", () => {
  const isDone = true;
  assert.equal(fate({ doneMs: 0 }, { isDone, hasResult: true }, 1), "over");
  assert.equal(fate({ doneMs: 0, reportedMs: 1 }, { isDone }, 1), "over");
  assert.equal(fate({ doneMs: 0 }, { isDone }, 60_000), "waits");
  assert.equal(fate({ doneMs: 0 }, { isDone }, 60_001), "over");
  assert.equal(fate({ doneMs: 0, missed: 2 }, { isDone }, 1), "unnamed");
});

test("a block whose task answers pings for longer than the limit is overdue", () => {
  assert.equal(fate({}, {}, 3_600_000), "waits");
  assert.equal(fate({}, {}, 3_600_001), "overdue");
  assert.equal(fate({ sinceMs: 1 }, {}, 3_600_001), "waits");
});

test("a block that is WRITING is given to no other worker, whatever has become of its own", () => {
  assert.equal(fate({ writingMs: 0, missed: 9 }, {}, 660_000), "waits");
  assert.equal(fate({ writingMs: 0, reportedMs: 1 }, {}, 660_000), "waits");
  assert.equal(fate({ writingMs: 0, missed: 9 }, {}, 660_001), "unwritten");
});
