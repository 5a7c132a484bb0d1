/** Two minutes of the soak, or half of one: `npm run soak` lasts half an hour. A job every two
 *  seconds, with a result three times as large: it waits most of its time, and the disk fills all
 *  the same. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inPlace } from "../conformance/place.ts";
import { depth } from "../fixtures/depth.ts";
import { soak } from "./soak.ts";

const durationMs = depth(120_000, 40_000);
const disk = { diskMebi: 512, jobEveryMs: 2_000, resultMebi: 9 };

test("G11: jobs and kills for minutes on a disk of 512 MB: all right, none stalls", (t) =>
  inPlace(async (place) => {
    const options = { ...disk, place, durationMs, killEveryMs: durationMs / 6, seed: 1 };
    const report = await soak({ ...options, say: (line) => t.diagnostic(line) });
    if ("skip" in report) return t.skip(report.skip);
    t.diagnostic(JSON.stringify(report));
    assert.deepEqual(report.wrong, []);
    assert.ok(report.jobs >= depth(20, 4) && report.kills >= depth(3, 1), JSON.stringify(report));
    const { first, last } = report.residentBytes;
    assert.ok(last <= first * 1.5, `the coordinator grew from ${first} to ${last} bytes`);
  }));
