/** The list of faults that the product must survive: each row has a test whose name begins with its
 *  id, so that a reader of the list finds the test. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isLeft } from "../../scripts/suite/long.ts";
import { readSources } from "../tidy/sources.ts";

/** Rows by their letter; rows of the protocols by their number, too. */
const rows: Readonly<Record<string, number>> = {
  /** Coordinator and storage. */
  C: 18,
  /** Workers of Node. */
  W: 13,
  /** Browser tabs. */
  B: 9,
  /** Files between peers. */
  F: 12,
  /** Growth: many jobs over time. */
  G: 11,
  /** Many at once. */
  X: 11,
  /** Several machines: latency, loss, cuts, addresses. */
  N: 11,
  "T1.": 7,
  "T2.": 5,
  "T3.": 4,
  "T4.": 4,
  "T5.": 8,
};

/** Rows of features that are not built, and why they have no test. */
const notBuilt = new Map<string, string>([]);

const ids = Object.entries(rows).flatMap(([letter, count]) =>
  Array.from({ length: count }, (_, index) => `${letter}${index + 1}`),
);

/** Ids at the beginning of names, one or several, as in "F3, F12: …"; also of names in tables. */
function idsIn(text: string): string[] {
  const begun = /["'`]([A-Z]\d+(?:\.\d+)?(?:, [A-Z]\d+(?:\.\d+)?)*): /g;
  return [...text.matchAll(begun)].flatMap(([, listed = ""]) => listed.split(", "));
}

test("every row of the fault list has a test in `npm test` whose name begins with its id", (t) => {
  const tests = readSources().filter(({ path }) => path.endsWith(".test.ts") && !isLeft(path));
  const found = new Set(tests.flatMap(({ text }) => idsIn(text)));
  for (const [id, what] of notBuilt) t.diagnostic(`${id} is not built yet: ${what}`);
  assert.deepEqual(
    ids.filter((id) => !found.has(id) && !notBuilt.has(id)),
    [],
    "rows without a test",
  );
  // What is built meanwhile must leave the list.
  assert.deepEqual(
    [...notBuilt.keys()].filter((id) => found.has(id)),
    [],
  );
});
