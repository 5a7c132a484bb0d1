/** A download that dies at each of its failpoints, and is asked for again: one file, whole. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { noise } from "../../src/peer/testing/peers.ts";
import { temporaryFolder } from "../../src/store/testing/at-end.ts";
import { startArmed } from "./armed.ts";

const bytes = noise(4 * 1024 * 1024);

/** The failpoints that it did not die at. */
export async function downloadLane(failpoints: readonly string[]): Promise<string[]> {
  const missed: string[] = [];
  for (const failpoint of failpoints) {
    using folder = temporaryFolder("tequio-failpoint-");
    const dir = folder.path;
    const first = await startArmed("failpoints-download", [dir], failpoint).ended;
    if (first.signal !== "SIGKILL") missed.push(failpoint);
    const target = join(dir, "got");
    // What has the name is whole, at any instant.
    if (existsSync(target)) assert.ok(bytes.equals(readFileSync(target)), failpoint);
    const again = startArmed("failpoints-download", [dir]);
    const digest = await again.line("end ");
    assert.equal(digest, createHash("sha256").update(bytes).digest("hex"), again.err);
    await again.ended;
    assert.deepEqual(readdirSync(dir).sort(), ["got", "locks"], `${failpoint}: no leftovers`);
  }
  return missed;
}
