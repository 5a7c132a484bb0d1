/** A download that dies at each of its failpoints, and is asked for again: one file, whole. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { noise } from "../../src/peer/testing/peers.ts";
import { programFile } from "../fixtures/programs.ts";
import { Started } from "./process.ts";

const bytes = noise(4 * 1024 * 1024);

/** The failpoints that it did not die at. */
export async function downloadLane(failpoints: readonly string[]): Promise<string[]> {
  const missed: string[] = [];
  const script = programFile("failpoints-download");
  for (const failpoint of failpoints) {
    const dir = mkdtempSync(join(tmpdir(), "tequio-failpoint-"));
    try {
      const first = await new Started(script, [dir], failpoint).ended;
      if (first.signal !== "SIGKILL") missed.push(failpoint);
      const target = join(dir, "got");
      // What has the name is whole, at any instant.
      if (existsSync(target)) assert.ok(bytes.equals(readFileSync(target)), failpoint);
      const again = new Started(script, [dir]);
      const digest = await again.said("end ");
      assert.equal(digest, createHash("sha256").update(bytes).digest("hex"), again.errors);
      await again.ended;
      assert.deepEqual(readdirSync(dir).sort(), ["got", "locks"], `${failpoint}: no leftovers`);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  }
  return missed;
}
