/** Whole jobs over the lines of docs/networks.md, between machines that are namespaces: by
 *  `npm run networks`, since each takes as long as its line does. Prints what each took. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { testMaxMs } from "../../src/store/testing/patience.ts";
import { at, farCluster, skipUnlessAsked, wordCount, words } from "./machines/far-cluster.ts";
import type { Cable } from "./machines/machines.ts";

const skip = skipUnlessAsked();

type Row = { readonly name: string; readonly cable: Cable; readonly megabytes: number };

const rows: readonly Row[] = [
  { name: "20 ms, 50 Mbit", cable: { delayMs: 5, bitsPerS: 50e6 }, megabytes: 40 },
  { name: "80 ms, 10 Mbit, 0.5 % loss", cable: lossy(), megabytes: 20 },
];

/** Each end of a path has half of it, in both directions. */
function lossy(): Cable {
  return { delayMs: 20, bitsPerS: 10e6, loss: 0.0025 };
}

for (const { cable, megabytes, name } of rows) {
  test(`a word count of ${megabytes} MB whose input is elsewhere, over ${name}`, {
    skip,
    timeout: testMaxMs,
  }, async (t) => {
    const { machines, place, run, target } = await farCluster(t, cable);
    writeFileSync(join(place.dir, "input.txt"), words(megabytes));
    const common = [
      "run",
      wordCount,
      "input.txt",
      "--split-bytes",
      "4M",
      "--reducers",
      "4",
      "-o",
      "-",
    ];
    const judged = await place.run(...common, "--sequential");
    const before = (await machines.carried())[at.coordinator]!;
    const sinceMs = performance.now();
    const counted = await run(at.submitter, ...common, ...target).ended;
    const tookS = (performance.now() - sinceMs) / 1_000;
    assert.equal(counted.code, 0, counted.err);
    assert.equal(counted.out, judged.out);
    const lineS = (megabytes * 8e6) / cable.bitsPerS!;
    const times = (tookS / lineS).toFixed(1);
    t.diagnostic(`${tookS.toFixed(1)} s, ${times} times the ${lineS.toFixed(1)} s of the line`);
    // Its input once, its result, and what is lost; nothing that is not read.
    const { upBytes } = (await machines.carried())[at.coordinator]!;
    const sentTimes = (upBytes - before.upBytes) / (megabytes * 1e6);
    t.diagnostic(`the coordinator sent ${sentTimes.toFixed(2)} times the input`);
    assert.ok(sentTimes < 1.6, `the input was sent ${sentTimes.toFixed(2)} times`);
    t.diagnostic(counted.err.trim().split("\n").slice(-3).join(" | "));
  });
}
