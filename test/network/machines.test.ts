/** Faults of real networks between machines: namespaces, and cables that lose what faults lose. One
 *  cluster for all of it; `npm run networks` has more of them, and measures. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { testMaxMs } from "../../src/store/testing/patience.ts";
import { Place } from "../fixtures/place.ts";
import { repository } from "../fixtures/programs.ts";
import { type Machine, Machines, missing } from "./machines/machines.ts";

const lines = Array.from({ length: 30_000 }, (_, n) => `one two${n % 997} three${n % 31}\n`).join(
  "",
);
const job = join(repository, "examples", "word-count", "job.ts");

const lack = missing();
const skip = lack === null ? false : `machines need ${lack}: their faults were not tried`;

test("N8: workers that cannot reach each other read by way of the coordinator, which says so", {
  skip,
  timeout: testMaxMs,
}, async (t) => {
  const machines = await Machines.open(t, 3);
  const [main, one, two] = machines.all as [Machine, Machine, Machine];
  for (const index of [1, 2]) await machines.set(index, { delayMs: 5, bitsPerS: 1e8 });
  await machines.block(1, 2, true);
  const place = new Place(t, { "input.txt": lines });
  const at = (machine: Machine, ...args: string[]) => place.startBy(machine.enter, ...args);
  const up = at(main, "up", "--workers", "0", "--listen", `${main.host}:0`);
  const said = await up.said("--fingerprint");
  const joining = /tequio (join \S+ --token \S+ --fingerprint \S+)/.exec(said)![1]!.split(" ");
  const joins = [one, two].map((machine, index) => {
    const data = join(place.dir, `machine-${index}`, "worker");
    return at(machine, ...joining, "--slots", "1", "--data", data);
  });
  await Promise.all(joins.map((worker) => worker.said("joined")));

  const cut = ["--split-bytes", "64K", "--reducers", "4"];
  const [judged, counted] = await Promise.all([
    place.run("run", "--sequential", job, "input.txt", ...cut, "-o", "-"),
    at(main, "run", job, "input.txt", ...cut, "-o", "-").ended,
  ]);
  assert.equal(counted.code, 0, counted.err);
  assert.equal(counted.out, judged.out);

  const workers = await at(main, "workers", "--all").ended;
  assert.match(workers.out, /^w-\d cannot be reached by w-\d: \d+\.\d MB of its outputs went by/m);
  const doctor = await at(main, "doctor").ended;
  assert.match(
    doctor.out,
    /w-\d \(\S+\) cannot be reached by 1 worker: \S+ \SB went by the coordin/,
  );
});
