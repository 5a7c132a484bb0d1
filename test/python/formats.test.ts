/** Odd texts, as they lie around: Python reads the same records at the same offsets as TypeScript,
 *  and the judges of both languages agree with their workers. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Random } from "../../src/core/random.ts";
import { hostId } from "../../src/link/host.ts";
import { bundleJob } from "../../src/sdk/bundle.ts";
import { runLocal } from "../../src/sdk/local.ts";
import { type PlanOptions, planJob } from "../../src/sdk/plan.ts";
import { depth } from "../fixtures/depth.ts";
import { equalsJudge } from "../judge/compare.ts";
import { clusterForTests, noPython } from "./cluster.ts";

const skip = noPython;
const cluster = clusterForTests();
/** Of each format. */
const files = depth(25, 8);
const firstSeed = Number(process.env.FORMATS_SEED ?? 1);

const parts = [
  ...["a", "b", "1", " ", "é", "😀", "_", "İ", "Σ", "K\u0301", "'", "’", "日本", "𝟘"],
  ...[",", ",", "\n", "\n", "\n", "\r\n", "\r", ";", "\t", "\u2028", "\u0085", "\x0b", "\x1c"],
  ...['"', '""', '"a\nb"', '"a,b"', "a'b", "\ufeff", "\0"],
  ...['{"a":[1,2.50]}\n', "[1e3, -0]\n", '"x\\ud83d"\n', "9007199254740991\n", "tru\n"],
  ...[", ", '{"a":[2,"\\""]}', "]", ",\n"],
].map((text) => Buffer.from(text));
const broken = ["ff", "80", "e697", "c3", "c080", "eda080", "f09f98", "f4908080"].map((hex) =>
  Buffer.from(hex, "hex"),
);

/** Of every second file: a header, and what makes the file one JSON array. */
const starts = ["a,b\n", "a,b\n", '[{"a":[1,"]"]},\n', " [ 3 ,\n", '[{"a":1}]', "[\n]"].map(
  (text) => [Buffer.from(text)],
);

function folderOfTexts(seed: number): string {
  const random = new Random(seed);
  const folder = join(cluster.folder, `texts-${seed}`);
  mkdirSync(folder);
  for (let n = 0; n < files; n++) {
    const some = Array.from({ length: 1 + random.below(25) }, () => {
      const from = random.below(20) === 0 ? broken : parts;
      return from[random.below(from.length)]!;
    });
    const start = starts[random.below(2 * starts.length)] ?? [];
    writeFileSync(join(folder, `${n}`.padStart(3, "0")), Buffer.concat([...start, ...some]));
  }
  return folder;
}

const formats: ReadonlyArray<readonly [python: string, typescript: string]> = [
  ["text.lines()", "text.lines()"],
  ["text.words(lowercase=True)", "text.words({ lowercase: true })"],
  ["text.file()", "text.file()"],
  ["ndjson()", "ndjson()"],
  ['text.json(["a.1", "0", "a.length"])', 'text.json(["a.1", "0", "a.length"])'],
  ["csv(header=False)", "csv({ header: false })"],
  ['csv(columns=["x", "y"], separator=";")', 'csv({ columns: ["x", "y"], separator: ";" })'],
  ["csv(header=False, multiline=True)", "csv({ header: false, multiline: true })"],
  ['text.match("a|1,")', "text.match(/a|1,/g)"],
  ['text.match("(a)|(b)", ["x", "y"])', 'text.match(/(a)|(b)/, ["x", "y"])'],
  ['text.lines(encoding="utf-8")', 'text.lines({ encoding: "utf-8" })'],
  ['text.lines(encoding="latin1")', 'text.lines({ encoding: "latin1" })'],
  [
    'text.match("[^a ]+", encoding="windows-1252")',
    'text.match(/[^a ]+/, { encoding: "windows-1252" })',
  ],
  ['csv(header=False, encoding="utf-8")', 'csv({ header: false, encoding: "utf-8" })'],
  [
    'csv(columns=["x", "y"], encoding="windows-1252")',
    'csv({ columns: ["x", "y"], encoding: "windows-1252" })',
  ],
  ['text.json(["a.1"], encoding="utf-8")', 'text.json(["a.1"], { encoding: "utf-8" })'],
];

for (const [index, [python, typescript]] of formats.entries()) {
  test(`records are those of TypeScript: ${python}`, { skip }, async (t) => {
    t.diagnostic(`FORMATS_SEED=${firstSeed} writes these files again`);
    const folder = folderOfTexts(firstSeed + index);
    const py = cluster.file(
      "job.py",
      `from tequio import *
job = map_reduce(input=${python}, bad_records="keep", sort="descending",
    map=lambda record, emit, context: emit((context.file[-3:], context.offset), record))
`,
    );
    const ts = cluster.file(
      "job.ts",
      `import { csv, mapReduce, ndjson, text } from "tequio";
export default mapReduce({ input: ${typescript}, badRecords: "keep", sort: "descending",
  map: (record, emit, { file, offset }) => emit([file.slice(-3), offset], record as never) });
`,
    );
    const options = { inputs: [folder], reducers: 2, splitBytes: 60 };
    const { files: found } = await equalsJudge(cluster.client, py, options);
    const expected = await judged(ts, options);
    assert.equal(expected.length, 2);
    for (const [part, text] of expected.entries()) {
      const lines = Buffer.from(found.get(`part-0000${part}.ndjson`)!, "latin1").toString();
      assert.deepEqual(lines.split("\n").map(asWritten), text.split("\n"));
    }
  });
}

/** As JavaScript writes the line: a float of Python that is whole says so. */
function asWritten(line: string): string {
  return line === "" ? "" : JSON.stringify(JSON.parse(line));
}

async function judged(job: string, options: Partial<PlanOptions>): Promise<string[]> {
  const built = await bundleJob(job);
  const planned = await planJob(built.job, { inputs: [], params: {}, host: hostId(), ...options });
  const { result } = await runLocal(built.job, planned);
  const texts: string[] = [];
  for (const part of result.parts) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of part.read()) chunks.push(chunk);
    texts.push(Buffer.concat(chunks).toString());
  }
  return texts;
}

test("words of a text that is not UTF-8 end the task, when it must be", { skip }, async () => {
  const py = cluster.file(
    "strict.py",
    `from tequio import map_reduce, text
job = map_reduce(input=text.words(encoding="utf-8"), bad_records="keep",
    map=lambda word, emit: emit(word, 1))
`,
  );
  const input = cluster.file("latin.txt", Buffer.from("uno\ndos a\xf1o\n", "latin1"));
  const problem = /bad record at .*latin\.txt:4: its bytes are not UTF-8; .*encoding="latin1"/;
  await assert.rejects(equalsJudge(cluster.client, py, { inputs: [input] }), problem);
});
