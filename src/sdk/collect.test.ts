/** Results on their way to where the user wants them: whole or not at all. */
import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import test, { type TestContext } from "node:test";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { temporaryDir } from "../store/testing/at-end.ts";
import { type JobResult, type ResultPart, saveResult } from "./collect.ts";

async function folder(t: TestContext): Promise<string> {
  const path = temporaryDir(t, "client-test-");
  return path;
}

function result(parts: readonly string[], bad: readonly string[] = []): JobResult {
  const part = (text: string) => ({
    sizeBytes: text.length,
    async *read() {
      // In small chunks, so that a header may be cut anywhere.
      for (let i = 0; i < text.length; i += 4) yield Buffer.from(text.slice(i, i + 4));
    },
  });
  return { kind: "parts", format: "csv", parts: parts.map(part), badRecords: bad.map(part) };
}

test("a folder has a file for each part, and appears whole", async (t) => {
  const out = join(await folder(t), "deep", "out");
  const to = { kind: "folder", path: out } as const;
  const saved = await saveResult(result(["key,value\na,1\n", ""], ["{}\n", "[]\n"]), to);
  const names = ["_bad/records.ndjson", "part-00000.csv", "part-00001.csv"];
  assert.deepEqual((await readdir(out)).sort(), ["_bad", ...names.slice(1)]);
  assert.deepEqual(saved.files.map((file) => file.slice(out.length + 1)).sort(), names);
  const bad = join(out, "_bad", "records.ndjson");
  assert.equal(await readFile(bad, "utf8"), "{}\n[]\n");
  assert.deepEqual(saved.bad, { file: bad, count: 2 });
  await saveResult(result(["key,value\na,1\n"]), { ...to, replace: true });
  assert.deepEqual(await readdir(out), ["part-00000.csv"]);
  assert.deepEqual(await readdir(join(out, "..")), ["out"]);
});

test("a folder with files is refused, or only its earlier results replaced", async (t) => {
  const out = await folder(t);
  for (const name of ["part-00007.ndjson", "notes.txt"]) await writeFile(join(out, name), "old");
  const to = { kind: "folder", path: out } as const;
  await assert.rejects(saveResult(result(["x"]), to), { code: "conflict", message: /not empty/ });
  assert.deepEqual((await readdir(out)).sort(), ["notes.txt", "part-00007.ndjson"]);
  await saveResult(result(["x"]), { ...to, replace: true });
  assert.deepEqual((await readdir(out)).sort(), ["notes.txt", "part-00000.csv"]);
});

test("a merged file is compressed as its name says, with one header", async (t) => {
  const out = await folder(t);
  const parts = ["key,value\na,1\n", "", "key,value\nb,2\n"];
  const unpack = { gz: gunzipSync, zst: zstdDecompressSync } as const;
  for (const ending of ["gz", "zst"] as const) {
    const path = join(out, `r.csv.${ending}`);
    await saveResult(result(parts), { kind: "file", path });
    assert.equal(String(unpack[ending](await readFile(path))), "key,value\na,1\nb,2\n");
  }
  const lost: ResultPart = {
    sizeBytes: 1,
    // biome-ignore lint/correctness/useYield: it fails before
    async *read() {
      throw new Error("lost");
    },
  };
  const broken = { ...result([]), parts: [lost] };
  const to = { kind: "file", path: join(out, "none.csv.gz") } as const;
  await assert.rejects(saveResult(broken, to), /lost/);
  assert.deepEqual((await readdir(out)).sort(), ["r.csv.gz", "r.csv.zst"]);
});

test("a part that fails leaves nothing behind, even while others write", async (t) => {
  const out = await folder(t);
  const part = (count: number, then: () => void): ResultPart => ({
    sizeBytes: 65_536 * count,
    async *read() {
      for (let n = 0; n < count; n++) yield Buffer.alloc(65_536);
      then();
    },
  });
  const lost = () => {
    throw new Error("lost");
  };
  for (const before of [0, 1, 100]) {
    const parts = [part(200, () => {}), part(before, lost)];
    const broken: JobResult = { ...result(["a"]), parts };
    for (const to of [
      { kind: "folder", path: join(out, "new") },
      { kind: "file", path: join(out, "one.csv") },
    ] as const) {
      await assert.rejects(saveResult(broken, to), /lost/);
      assert.deepEqual(await readdir(out), []);
    }
  }
});

test("merged parts have one header, in a file or a stream", async (t) => {
  const out = await folder(t);
  const parts = ["", "key,value\na,1\n", "key,value\nb,2\n"];
  const file = join(out, "one.csv");
  await saveResult(result(parts, ["{}\n"]), { kind: "file", path: file });
  assert.equal(await readFile(file, "utf8"), "key,value\na,1\nb,2\n");
  assert.equal(await readFile(join(out, "_bad", "one.csv.ndjson"), "utf8"), "{}\n");
  const again = saveResult(result(parts), { kind: "file", path: file });
  await assert.rejects(again, { code: "conflict" });
  // The header of a sort names the columns, which may be any text.
  const named = ['city,"a\nb"\nOaxaca,1\n', 'city,"a\nb"\nPuebla,2\n'];
  await saveResult(result(named), { kind: "file", path: file, replace: true });
  assert.equal(await readFile(file, "utf8"), 'city,"a\nb"\nOaxaca,1\nPuebla,2\n');
  const stream = new PassThrough();
  await saveResult(result(parts), { kind: "stream", stream });
  assert.equal(stream.writableEnded, false);
  stream.end();
  assert.equal(await text(stream), "key,value\na,1\nb,2\n");
});

test("files are whole though chunks are overwritten as soon as they may be", async (t) => {
  const out = await folder(t);
  const count = 50;
  const lent = (seed: number): ResultPart => ({
    sizeBytes: 0,
    async *read(isLent) {
      assert.ok(isLent);
      const chunks: Buffer[] = [];
      for (let n = 0; n < count; n++) {
        // The one before the last may still be in use, those before it no longer.
        chunks.at(-2)?.fill("!");
        const chunk = Buffer.alloc(10_000, String.fromCharCode(65 + ((seed + n) % 26)));
        chunks.push(chunk);
        yield chunk;
      }
    },
  });
  const expected = (seed: number) =>
    Array.from({ length: count }, (_, n) =>
      String.fromCharCode(65 + ((seed + n) % 26)).repeat(10_000),
    ).join("");
  const lentResult = { ...result([]), format: "text", parts: [lent(1), lent(2)] } as const;
  await saveResult(lentResult, { kind: "folder", path: join(out, "parts") });
  await saveResult(lentResult, { kind: "file", path: join(out, "merged") });
  for (const [name, text] of [
    ["parts/part-00000.txt", expected(1)],
    ["parts/part-00001.txt", expected(2)],
    ["merged", expected(1) + expected(2)],
  ] as const) {
    assert.ok((await readFile(join(out, name), "utf8")) === text, name);
  }
});
