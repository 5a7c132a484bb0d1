/** Plans as text: what is read is what was written, and columns that are wrong are refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { InputFile, Plan } from "./plan.ts";
import { filesInColumns, largeFrom, planFrom, planText } from "./plan-text.ts";

const shared = {
  version: 1,
  items: null,
  params: { n: 1 },
  reducers: 2,
  spillBytes: 1024,
} as const;

function planOf(count: number, change: (file: InputFile, index: number) => InputFile): Plan {
  const files = Array.from({ length: count }, (_, index) => {
    const name = `logs/${Math.floor(index / 100)}/${index}.txt`;
    const at = {
      kind: "path",
      host: "h",
      path: `/data/${name}`,
      mtimeMs: 1e12 + index / 4,
    } as const;
    return change({ name, compression: "none", sizeBytes: index, at }, index);
  });
  const splits = [{ input: "default", pieces: files.map((f, i) => [i, 0, f.sizeBytes] as const) }];
  return { ...shared, files, splits };
}

const same = (file: InputFile) => file;

test("a plan of many files of one machine is read as it was written, in a third", () => {
  const plan = planOf(3_000, same);
  const text = planText(plan);
  assert.deepEqual(planFrom(text), plan);
  const longer = JSON.stringify(plan).length;
  assert.ok(3 * text.length < longer, `${text.length} of ${longer}`);
});

test("a plan of few files is the JSON that it was", () => {
  const plan = planOf(largeFrom, same);
  assert.equal(planText(plan), JSON.stringify(plan));
  assert.deepEqual(planFrom(planText(plan)), plan);
});

test("what columns cannot say is written at length", () => {
  const changes: Array<(file: InputFile) => InputFile> = [
    (file) => ({ ...file, compression: "gzip" }),
    (file) => ({ ...file, recordBytes: 100 }),
    (file) => ({ ...file, at: { kind: "blob", hash: "a".repeat(64) } }),
    (file) => ({ ...file, at: { kind: "path", host: "other", path: "/data/x", mtimeMs: 1 } }),
    // Given by another name than that of its path: a link, say.
    (file) => ({ ...file, name: "standard input" }),
  ];
  for (const change of changes) {
    const plan = planOf(3_000, (file, index) => (index === 2_500 ? change(file) : file));
    assert.equal(planText(plan), JSON.stringify(plan));
    assert.deepEqual(planFrom(planText(plan)), plan);
  }
});

test("names without a folder, and folders that take turns, keep their places", () => {
  const plan = planOf(3_000, (file, index) => {
    const name = index % 2 === 0 ? `${index}.txt` : `even/${index}.txt`;
    return { ...file, name, at: { ...file.at, path: `/data/${name}` } as InputFile["at"] };
  });
  assert.deepEqual(planFrom(planText(plan)), plan);
});

test("wrong columns are refused", () => {
  type Columns = Record<string, unknown>;
  const columns: Columns = {
    host: "h",
    folders: [["a/", "/a/", 1]],
    names: ["x"],
    sizes: [1],
    times: [1],
  };
  const read = (changed: unknown) => filesInColumns({ ...shared, version: 2, columns: changed });
  assert.equal(read(columns)?.length, 1);
  const wrong: unknown[] = [
    undefined,
    null,
    { ...columns, host: 1 },
    { ...columns, names: "x" },
    { ...columns, names: [1] },
    { ...columns, names: ["x", "y"] },
    { ...columns, sizes: [-1] },
    { ...columns, sizes: [0.5] },
    { ...columns, times: ["1"] },
    { ...columns, folders: [["a/", "/a/", 2]] },
    {
      ...columns,
      folders: [
        ["a/", "/a/", 1],
        ["b/", "/b/", -1],
        ["c/", "/c/", 1],
      ],
    },
    { ...columns, folders: [["a/", "/".repeat(10_000), 1]] },
    { ...columns, folders: [null] },
  ];
  for (const one of wrong) assert.throws(() => read(one), { code: "bad-request" });
});
