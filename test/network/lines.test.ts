/** Whole jobs over the lines of docs/networks.md, between machines that are namespaces: by
 *  `npm run networks`, since each takes as long as its line does. Prints what each took. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Place } from "../fixtures/place.ts";
import { repository } from "../fixtures/programs.ts";
import { type Cable, type Machine, Machines, missing } from "./machines/machines.ts";

const job = join(repository, "examples", "word-count", "job.ts");
const lack = missing();
const isAsked = process.env.TEQUIO_NETWORKS === "1";
const skip = !isAsked
  ? "takes minutes: `npm run networks` runs it"
  : lack === null
    ? false
    : `machines need ${lack}`;

type Row = { readonly name: string; readonly cable: Cable; readonly megabytes: number };

const rows: readonly Row[] = [
  { name: "20 ms, 50 Mbit", cable: { delayMs: 5, bitsPerS: 50e6 }, megabytes: 40 },
  { name: "80 ms, 10 Mbit, 0.5 % loss", cable: lossy(), megabytes: 20 },
];

/** Each end of a path has half of it, in both directions. */
function lossy(): Cable {
  return { delayMs: 20, bitsPerS: 10e6, loss: 0.0025 };
}

function words(megabytes: number): string {
  let state = 1;
  const lines: string[] = [];
  for (let sizeBytes = 0; sizeBytes < megabytes * 1e6; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const line = `w${state % 50_021} w${(state >>> 8) % 997} w${(state >>> 16) % 31}`;
    lines.push(line);
    sizeBytes += line.length + 1;
  }
  return `${lines.join("\n")}\n`;
}

async function cluster(t: TestContext, cable: Cable) {
  const machines = await Machines.open(t, 5);
  for (const index of machines.all.keys()) await machines.set(index, cable);
  const place = new Place(t);
  const at = (machine: Machine, ...args: string[]) => place.startBy(machine.enter, ...args);
  const [main, submitter, ...others] = machines.all as [Machine, Machine, ...Machine[]];
  const up = at(main, "up", "--workers", "0", "--listen", `${main.host}:0`);
  const said = await up.said("--fingerprint");
  const joining = /tequio (join \S+ --token \S+ --fingerprint \S+)/.exec(said)![1]!.split(" ");
  const joins = others.map((machine, index) => {
    const data = join(place.dir, `machine-${index}`, "worker");
    return at(machine, ...joining, "--slots", "2", "--data", data);
  });
  await Promise.all(joins.map((worker) => worker.said("joined")));
  const made = await at(main, "token", "create", "--role", "submitter", "--json").ended;
  const { token } = JSON.parse(made.out) as { token: string };
  writeFileSync(join(place.dir, "token"), token, { mode: 0o600 });
  const fingerprint = joining.at(-1)!;
  const target = ["--url", joining[1]!, "--token-file", "token", "--fingerprint", fingerprint];
  return { machines, place, submitter, at, target };
}

for (const { cable, megabytes, name } of rows) {
  test(`a word count of ${megabytes} MB whose input is elsewhere, over ${name}`, {
    skip,
    timeout: 900_000,
  }, async (t) => {
    const { at, place, submitter, target } = await cluster(t, cable);
    writeFileSync(join(place.dir, "input.txt"), words(megabytes));
    const common = ["run", job, "input.txt", "--split-bytes", "4M", "--reducers", "4", "-o", "-"];
    const judged = await place.run(...common, "--sequential");
    const sinceMs = performance.now();
    const counted = await at(submitter, ...common, ...target).ended;
    const tookS = (performance.now() - sinceMs) / 1_000;
    assert.equal(counted.code, 0, counted.err);
    assert.equal(counted.out, judged.out);
    const lineS = (megabytes * 8e6) / cable.bitsPerS!;
    const times = (tookS / lineS).toFixed(1);
    t.diagnostic(`${tookS.toFixed(1)} s, ${times} times the ${lineS.toFixed(1)} s of the line`);
    t.diagnostic(counted.err.trim().split("\n").slice(-3).join(" | "));
  });
}
