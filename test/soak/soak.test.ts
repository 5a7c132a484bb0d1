/** A minute of the soak: `npm run soak` lasts half an hour. It waits most of its time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inPlace } from "../conformance/place.ts";
import { soak } from "./soak.ts";

const disk = { diskMebi: 512, jobEveryMs: 1_000 };

test("G11: a job a second and kills on a disk of 512 MB: all right, none stalls", (t) =>
  inPlace(async (place) => {
    const options = { ...disk, place, durationMs: 60_000, killEveryMs: 10_000, seed: 1 };
    const report = await soak({ ...options, say: (line) => t.diagnostic(line) });
    if ("skip" in report) return t.skip(report.skip);
    t.diagnostic(JSON.stringify(report));
    assert.deepEqual(report.wrong, []);
    assert.ok(report.jobs >= 20 && report.kills >= 3, JSON.stringify(report));
    const { first, last } = report.residentBytes;
    assert.ok(last <= first * 1.5, `the coordinator grew from ${first} to ${last} bytes`);
  }));
