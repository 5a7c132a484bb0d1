/** The demo as a new user sees it: a result, where it lies, what to try next, and nothing left
 *  running. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import test from "node:test";
import { promisify } from "node:util";

const root = join(import.meta.dirname, "..", "..");

test("the demo counts the books, prints what to do next, and leaves no coordinator", async () => {
  const demo = promisify(execFile)(process.execPath, ["scripts/demo.ts"], { cwd: root });
  const { stdout } = await demo;
  assert.match(stdout, /^ +\d{5,} {2}the$/m);
  assert.match(stdout, /whole result lies in out/);
  // One time of the whole, and no second one that differs.
  assert.equal(stdout.match(/done in \d/g)?.length, 1);
  assert.doesNotMatch(stdout, /It took/);
  assert.match(stdout, /node bin\/tequio\.js run --local/);
  assert.match(stdout, /map .*\d+\/\d+ /);
  assert.match(stdout, /reduce .*4\/4 /);
  const url = stdout.match(/http:\/\/127\.0\.0\.1:\d+/)?.[0];
  await assert.rejects(fetch(`${url}/v1/health`), "the coordinator still answers");
});
