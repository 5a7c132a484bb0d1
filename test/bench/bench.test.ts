/** The benchmark's own code: medians, bounds, memory, and text that follows Zipf's law. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { askedOf, usage } from "../../bench/arguments.ts";
import { keepsBound, median, takeTurns } from "../../bench/case.ts";
import { quantile } from "../../bench/fairness/latency.ts";
import { residentBytes } from "../../bench/memory.ts";
import { plot } from "../../bench/plot.ts";
import { bound, rowsOf, valueText } from "../../bench/results.ts";
import { watchRoles } from "../../bench/roles.ts";
import { isSortOf } from "../../bench/sort/sorted.ts";
import { zipfFile } from "../../bench/zipf.ts";
import { temporaryDir } from "../../src/store/testing/at-end.ts";

test("the median of an even number of values lies between the middle two", () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([4, 1, 9, 2]), 3);
  assert.throws(() => median([]), /no values/);
});

test("a figure beyond its bound is named as not kept", () => {
  const figure = { name: "p50", value: 12.34, unit: "ms", atMost: 10 };
  assert.equal(keepsBound(figure), false);
  assert.equal(valueText(figure), "12.3 ms");
  assert.match(bound(figure), /≤ 10 ms, \*\*not kept\*\*/);
  assert.equal(bound({ ...figure, value: 9 }), "≤ 10 ms");
});

test("contestants take turns", async () => {
  const order: string[] = [];
  const enter = (name: string) => ({ name, run: async () => void order.push(name) });
  const options = { quick: true, rounds: 3, say: () => {} };
  const times = await takeTurns([enter("a"), enter("b")], options);
  assert.equal(order.join(""), "ababab");
  assert.deepEqual([...times.keys()], ["a", "b"]);
});

test("a slow rival runs fewer rounds, as the table shows; the product runs all", async () => {
  const order: string[] = [];
  const enter = (name: string, ms: number, isRival = true) => ({
    name,
    isRival,
    run: async () => {
      order.push(name);
      return ms;
    },
  });
  const said: string[] = [];
  const options = { quick: false, rounds: 5, say: (line: string) => void said.push(line) };
  const rivals = [enter("fast", 60_000), enter("slow", 60_001)];
  const times = await takeTurns([enter("ours", 90_000, false), ...rivals], options);
  const ran = (name: string) => order.filter((one) => one === name).length;
  assert.deepEqual(["ours", "fast", "slow"].map(ran), [5, 5, 1]);
  assert.ok(said.includes("slow is slow: it runs 1 of 5 rounds"));
  assert.deepEqual(times.roundsOf("ours", "fast"), {});
  assert.deepEqual(times.roundsOf("ours", "slow"), { rounds: 1 });
  const figure = { name: "speed", value: 2, unit: "×" };
  assert.deepEqual(rowsOf([figure]).slice(2), ["| speed | 2.00 × |  |"]);
  const rows = rowsOf([figure, { ...figure, ...times.roundsOf("slow") }]);
  assert.deepEqual(rows.slice(2), [
    "| speed | 2.00 × |  |  |",
    "| speed | 2.00 × |  | 1 round only |",
  ]);
});

const someCases = ["tasks", "word-count"].map((name) => {
  return { name, question: `How fast is ${name}?`, run: async () => [] };
});

test("what the benchmark is asked: cases, rounds, quick", () => {
  const all = askedOf([], someCases);
  assert.ok(all.kind === "run");
  assert.equal(all.rounds, 5);
  assert.deepEqual(all.cases, someCases);
  const one = askedOf(["word-count", "--quick", "--json"], someCases);
  assert.deepEqual(one, { kind: "run", cases: [someCases[1]], rounds: 3, quick: true, json: true });
  const sized = askedOf(["tasks", "--gib", "0.5,4"], someCases);
  assert.deepEqual(sized.kind === "run" && sized.gib, [0.5, 4]);
  for (const [args, text] of [
    [["--gib", "1,x"], /^--gib takes sizes in GiB, such as 1,4,12, not "1,x"$/],
    [["--gib", "0"], /not "0"$/],
    [["sorts"], /^there is no case sorts; there are: tasks, word-count$/],
    [["--round", "3"], /^Unknown option '--round'; see npm run bench -- --help$/],
    [["--rounds"], /^Option '--rounds <value>' argument missing; see npm run bench -- --help$/],
    [["--rounds", "0"], /^--rounds takes a whole number from 1 to 1000, not "0"$/],
    [["--rounds", "2.5"], /not "2.5"$/],
  ] as const) {
    const asked = askedOf(args, someCases);
    assert.ok(asked.kind === "wrong", args.join(" "));
    assert.match(asked.text, text);
  }
});

test("--help names every case with its question; a wrong case ends with code 2", () => {
  assert.equal(askedOf(["tasks", "-h"], someCases).kind, "help");
  assert.match(usage(someCases), /^Usage: npm run bench -- /);
  assert.match(usage(someCases), /^ {2}word-count {2}How fast is word-count\?$/m);
  const main = join(import.meta.dirname, "..", "..", "bench", "main.ts");
  const { status, stderr, stdout } = spawnSync(process.execPath, [main, "task"]);
  assert.equal(status, 2);
  assert.match(String(stderr), /^there is no case task; there are: word-count, /);
  assert.equal(String(stdout), "");
});

test("a contestant that knows its own time is believed", async () => {
  const options = { quick: true, rounds: 2, say: () => {} };
  const times = await takeTurns([{ name: "a", run: async () => 5_000 }], options);
  assert.equal(times.get("a"), 5_000);
});

test("figures of one title are bars of one plot, the product's among the others", () => {
  const bar = (label: string, isOurs: boolean) => ({ title: "Speed <fast>", label, isOurs });
  const figures = [
    { name: "a", value: 10, unit: "MB/s", bar: bar("ours", true) },
    { name: "b", value: 5, unit: "MB/s", bar: bar("theirs", false) },
    { name: "c", value: 1, unit: "ms" },
  ];
  const svg = plot(figures, valueText);
  assert.equal(svg.match(/<rect/g)?.length, 2);
  assert.equal(svg.match(/Speed &lt;fast>/g)?.length, 1);
  const [first, second] = [...svg.matchAll(/width="([0-9.]+)"/g)].map(([, width]) => Number(width));
  assert.ok(Math.abs(first! / second! - 2) < 0.01);
  assert.equal(plot([figures[2]!], valueText), "");
});

test("the memory of this process is seen", { skip: noProc() }, () => {
  assert.ok(residentBytes(process.pid) > 10_000_000);
});

test("the memory of a coordinator without workers is its own", { skip: noProc() }, () => {
  const { coordinator, worker, task, all } = watchRoles(process.pid).stop();
  assert.ok(coordinator > 10_000_000 && all > 0);
  assert.deepEqual([worker, task], [0, 0]);
});

test("a quantile is a value that was measured, and so large a share is no larger", () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  assert.deepEqual(
    [0.5, 0.99, 1].map((share) => quantile(values, share)),
    [50, 99, 100],
  );
  assert.equal(quantile([7], 0.5), 7);
});

test("a sort that lost, changed or misplaced a record is seen", async (t) => {
  const folder = temporaryDir(t, "bench-sorted-");
  const record = (key: number) => `${String(key).padStart(10, "0")}${"x".repeat(89)}\n`;
  const input = join(folder, "input");
  writeFileSync(input, [3, 1, 4, 2].map(record).join(""));
  const out = join(folder, "out");
  mkdirSync(out);
  const isSorted = async (parts: readonly (readonly number[])[]) => {
    for (const [index, keys] of parts.entries()) {
      writeFileSync(join(out, `part-${index}`), keys.map(record).join(""));
    }
    return isSortOf(out, input);
  };
  assert.equal(
    await isSorted([
      [1, 2],
      [3, 4],
    ]),
    true,
  );
  assert.equal(
    await isSorted([
      [1, 3],
      [2, 4],
    ]),
    false,
  );
  assert.equal(await isSorted([[1, 2], [3]]), false);
  assert.equal(
    await isSorted([
      [1, 2],
      [3, 5],
    ]),
    false,
  );
});

function noProc(): string | false {
  return process.platform === "linux" ? false : "there is no /proc on this system";
}

test("the text is the same on every machine, and its first word is the most frequent", () => {
  const path = zipfFile(1 << 20);
  const bytes = readFileSync(path);
  const digest = createHash("sha256").update(bytes).digest("hex");
  assert.equal(digest.slice(0, 16), "06c8455f762a5797");
  const counts = new Map<string, number>();
  for (const word of bytes.toString().split(/\s+/)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const [first, second] = [...counts.values()].toSorted((a, b) => b - a);
  assert.ok(Math.abs(first! / second! - 2) < 0.1, `${first} and ${second}`);
});
