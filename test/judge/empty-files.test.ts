/** An empty file is a record where a file is one, on workers, in the judge and in Python alike, and
 *  counts as one. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { connect } from "../../src/client/index.ts";
import { bytes, type Emit, mapReduce, text } from "../../src/index.ts";
import { runLocal } from "../../src/sdk/local.ts";
import { planJob } from "../../src/sdk/plan.ts";
import { temporaryDir } from "../../src/store/testing/at-end.ts";
import { InputLines } from "../../src/worker/task/input-lines.ts";
import { noPython } from "../python/cluster.ts";

const files = { "a.txt": "", "b.txt": "two", "c.txt": "", "d.txt.gz": gzipSync("") };
const expected = ["a.txt 0", "b.txt 3", "c.txt 0", "d.txt.gz 0"];
const python = `from tequio import map_reduce, text
job = map_reduce(
    input=text.file(),
    map=lambda record, emit, context: emit(f"{context.file.split('/')[-1]} {len(record)}", 1),
)
`;

test("an empty file is an empty record of text.file() and bytes.file()", async (t) => {
  const folder = join(temporaryDir(t), "in");
  await mkdir(folder);
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  await using cluster = await connect({ local: true, slots: 2, python: noPython === false });
  const map = (
    record: { readonly length: number },
    emit: Emit<string, number>,
    { file }: { file: string },
  ) => emit(`${file.split("/").at(-1)} ${record.length}`, 1);
  for (const job of [
    mapReduce({ input: text.file(), map, reducers: 1 }),
    mapReduce({ input: bytes.file(), map, reducers: 1 }),
  ]) {
    const keys: string[] = [];
    for await (const [key] of cluster.run(job, { inputs: folder })) keys.push(key);
    assert.deepEqual(keys, expected);
    const shared = async () => [];
    const planned = await planJob(job, { inputs: [folder], params: {}, host: "h", shared });
    const { result } = await runLocal(job, planned);
    let judged = "";
    for await (const chunk of result.parts[0]!.read()) judged += Buffer.from(chunk).toString();
    const judgedKeys = judged.trim().split("\n");
    assert.deepEqual(
      judgedKeys.map((line) => JSON.parse(line).key),
      expected,
    );
  }
  if (noPython !== false) return t.diagnostic(`not in Python: ${noPython}`);
  const job = join(temporaryDir(t), "job.py");
  await writeFile(job, python);
  const rows = (await (await cluster.run(job, { inputs: folder })).toArray()) as [string, number][];
  assert.deepEqual(rows.map(([key]) => key).sort(), expected);
});

test("files that are records are counted, empty ones, too", () => {
  const lines = new InputLines("piece");
  const pieces = [4, 0, 9];
  let left = 0;
  const source = lines.counting({
    nextPiece() {
      const sizeBytes = pieces.shift();
      if (sizeBytes === undefined) return null;
      left = sizeBytes;
      return { file: 0, offset: 0 };
    },
    read: (into) => {
      const count = Math.min(left, into.length);
      left -= count;
      return count;
    },
  } as Parameters<InputLines["counting"]>[0]);
  while (source.nextPiece() !== null) while (source.read(new Uint8Array(3), 0) > 0);
  assert.equal(lines.finish(), 3);
});
