/** When the test that is nearest to a planted bug counts as having seen it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { planted } from "./mutant.ts";
import { failureOf } from "./nearest.ts";

const title = "only connections within this machine may be unencrypted";
const withEnds = (put: string) => planted("made up", "refuseBeyondHere", "staysHere($ends)", put);

test("a test that breaks by a planted bug has seen it; one that passes has not", async () => {
  assert.match((await failureOf(withEnds("!staysHere($ends)"), title)) ?? "", /another machine/);
  assert.equal(await failureOf(withEnds("staysHere({ ...$ends })"), title), null);
});

test("a test that only takes too long has not seen the bug", async () => {
  const forEver = withEnds("(() => { for (;;); })()");
  await assert.rejects(failureOf(forEver, title, 3_000), /made up.*did not end in time/);
});

test("a test that never loads the file of the bug cannot have seen it", async () => {
  const elsewhere = planted("made up", "isRefused", 'code === "ECONNREFUSED"', "false");
  await assert.rejects(failureOf(elsewhere, title), /its test did not run/);
});
