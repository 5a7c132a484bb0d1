/** Inputs of another format than their names promise: read, or refused by name where the job is
 *  planned and where they are read. Names that do not exist are errors, too. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { ClusterError } from "../../src/core/error.ts";
import { bytes, mapReduce, text } from "../../src/index.ts";
import type { Job } from "../../src/sdk/job.ts";
import { runLocal } from "../../src/sdk/local.ts";
import { type PlanOptions, planJob } from "../../src/sdk/plan.ts";
import { temporaryDir } from "../../src/store/testing/at-end.ts";
import { type Content, contentOf } from "../../src/wire/content/content.ts";
import { TextSource } from "../../src/worker/input/text-source.ts";
import { memorySource } from "../../src/worker/kernels/byte-source.ts";
import { failureOf } from "../../src/worker/process/failure.ts";
import { judgedParts, kernelParts } from "../operators/tasks.ts";

const dir = temporaryDir({ after }, "tequio-formats-");

let folders = 0;
function fileOf(name: string, content: string | Uint8Array): string {
  const folder = join(dir, `${folders++}`);
  mkdirSync(folder);
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

const plain = "one two\nthree\n";
const hex = (some: string): Buffer => Buffer.from(some, "hex");
/** As the tools of these formats made them of `plain`; of long ones the beginning. */
const bzip2 = hex(
  "425a68393141592653596d0e9bc4000004d1800010400002419480200031064c410d189a62149f18" +
    "e08bc5dc914e14241b43a6f100",
);
const xz = hex(
  "fd377a585a000004e6d6b4460200210116000000742fe5a301000d6f6e652074776f0a7468726565" +
    "0a000000e7a7950c7e71f5840001260e081be0041fb6f37d010000000004595a",
);
const zip = hex("504b03040a000000000062077d5de502d5410e0000000e00000005001c00742e747874");
const wide = hex("28b52ffd04906400001000000200e9ff3773e0012c0200");
const tar = Buffer.alloc(1024);
tar.write("t.txt\0");
tar.write("ustar\0", 257);
const utf16 = Buffer.from(plain, "utf16le");

const words = text.words().count();
const options = { params: {}, host: "here" };

async function planned(job: Job, inputs: readonly string[], more: Partial<PlanOptions> = {}) {
  const made = await planJob(job, { ...options, inputs, ...more });
  after(made.remove);
  return made;
}

async function* chunksOf(content: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += 7) yield content.subarray(at, at + 7);
}

/** Counted words from tasks and from the judge. */
async function counted(inputs: readonly string[]): Promise<string> {
  const trial = { job: words, inputs, dir, splitBytes: 1_000_000, spillBytes: 100_000 };
  const parts = (await kernelParts(trial)).map(String);
  assert.deepEqual(parts, (await judgedParts(trial)).map(String));
  return parts.join("");
}

const rows = ["one", "three", "two"].map((key) => `{"key":"${key}","value":1}\n`).join("");

test("X9: gzip and zstd are decompressed under any name", async () => {
  const gzip = gzipSync(plain);
  const zstd = zstdCompressSync(plain);
  const skippable = Buffer.concat([hex("5a2a4d1803000000010203"), zstd]);
  for (const content of [gzip, zstd, skippable]) {
    for (const name of ["a", "a.txt", "a.log", "a.zst", "a.gz"]) {
      assert.equal(await counted([fileOf(name, content)]), rows);
    }
  }
});

test("X9: gzip and zstd are decompressed on standard input", async () => {
  for (const content of [gzipSync(plain), zstdCompressSync(plain)]) {
    const made = await planned(words, ["-"], { stdin: chunksOf(content) });
    assert.notEqual(made.plan.files[0]?.compression, "none");
    const { result } = await runLocal(words, made);
    const read: Buffer[] = [];
    for await (const part of result.parts[0]!.read()) read.push(Buffer.from(part));
    assert.equal(Buffer.concat(read).toString(), rows);
  }
});

const refusals: ReadonlyArray<readonly [name: string, content: Uint8Array, message: RegExp]> = [
  ["a.bz2", bzip2, /a\.bz2 is bzip2, and is read as text; decompress it first \(bunzip2\)/],
  ["a.txt", bzip2, /a\.txt is bzip2/],
  ["a.bz2", Buffer.from(plain), /a\.bz2 is bzip2 by its name/],
  ["a", xz, /is xz.*unxz/],
  ["a.lz4", hex("04224d186440a70e000080"), /is lz4/],
  ["a.zip", zip, /is a zip archive.*unzip/],
  ["a.br", Buffer.from("anything"), /is brotli by its name/],
  ["a.tar", tar, /is a tar archive.*tar -xf/],
  ["a.tgz", gzipSync(tar), /a\.tgz is a tar archive inside gzip/],
  ["a.tar.zst", zstdCompressSync(tar), /is a tar archive inside zstd/],
  ["a.gz", gzipSync(gzipSync(plain)), /is gzip inside gzip/],
  ["a.gz", gzipSync(xz), /is xz inside gzip/],
  ["a.gz", Buffer.from(plain), /is gzip by its name, but its first bytes are not/],
  ["a.zst", Buffer.from(plain), /is zstd by its name/],
  ["a.csv", Buffer.concat([hex("fffe"), utf16]), /is UTF-16 text.*iconv -f UTF-16/],
  ["a.csv", Buffer.concat([hex("feff"), utf16.swap16()]), /is UTF-16 text/],
  ["a.csv", Buffer.from(plain, "utf16le"), /is UTF-16 text/],
  ["a.csv", hex("fffe00006100000062000000"), /is UTF-32 text/],
  ["a.parquet", Buffer.concat([Buffer.from("PAR1"), hex("15041500")]), /Parquet.*bytes\.parquet/],
  ["a.avro", hex("4f626a0104"), /is Avro/],
  ["a.db", Buffer.from("SQLite format 3\0"), /is an SQLite database/],
  ["a.zst", wide, /is zstd with a window of 256 MiB.*up to 27/],
];

test("X9: other formats are refused by name where a job is planned, however it reads", async () => {
  const jobs: readonly Job[] = [words, text.lines().sort(), text.csv(["a"]).count()];
  for (const [name, content, message] of refusals) {
    for (const job of jobs) {
      await assert.rejects(planned(job, [fileOf(name, content)]), { code: "bad-request", message });
    }
  }
});

test("X9: other formats are refused by name where they are read, when no plan has looked", () => {
  const cases = [bzip2, xz, zip, tar, wide, gzipSync(plain), zstdCompressSync(plain)];
  for (const content of cases) {
    for (const compression of ["none", "gzip"] as const) {
      const at = { kind: "shared", root: "", host: "" } as const;
      const file = { name: "shared.txt", compression, sizeBytes: content.length, at };
      const source = memorySource([{ file: 0, offset: 0, head: null, bytes: content }]);
      const read = new TextSource(source, [file]);
      const message = compression === "none" ? /shared\.txt is / : /shared\.txt is .* inside gzip/;
      assert.throws(() => read.nextPiece(), { code: "bad-request", message });
    }
  }
});

test("X9: what starts like another format and is text, is text", async () => {
  const texts = ["PAR1 is a word\n", "ORC\n", "%PDF-1.4 is text here\n", "BZh9 and more text\n"];
  for (const content of [...texts, "PK\n", "Rar!\n", "\ufeffone\n", "a\0b\n", "\n", "x"]) {
    assert.equal(contentOf(Buffer.from(content)).kind satisfies Content["kind"], "plain", content);
    assert.notEqual(await counted([fileOf("a.txt", content)]), undefined);
  }
});

test("X9: records of one size and whole files as bytes may be anything", async () => {
  const file = fileOf("a.bin", Buffer.concat([gzipSync(plain), Buffer.alloc(100)]).subarray(0, 40));
  const { plan } = await planned(bytes.records(10).sort(), [file]);
  assert.equal(plan.files[0]?.compression, "none");
  await planned(bytes.records(10).sort(), [fileOf("b.bin", Buffer.alloc(20, "BZh9"))]);
});

test("X9: members of gzip behind zeros are read, and what is no member is an error", async () => {
  const [one, two] = [gzipSync("one two\n"), gzipSync("three\n")];
  for (const zeros of [1, 500, 512, 300_000, 2_000_000]) {
    const padded = Buffer.concat([one, Buffer.alloc(zeros), two, Buffer.alloc(zeros)]);
    assert.equal(await counted([fileOf("tape.gz", padded)]), rows, `${zeros} zeros`);
  }
  const many = Array.from({ length: 50 }, (_, i) => [gzipSync("a\n"), Buffer.alloc(i * 97)]);
  assert.equal(
    await counted([fileOf("a.gz", Buffer.concat(many.flat()))]),
    '{"key":"a","value":50}\n',
  );
  const large = gzipSync(Buffer.alloc(3_000_000, "word\n"));
  const twice = Buffer.concat([large, Buffer.alloc(10_240), large]);
  assert.equal(await counted([fileOf("b.gz", twice)]), '{"key":"word","value":1200000}\n');
  const junk = fileOf("junk.gz", Buffer.concat([one, Buffer.alloc(512), Buffer.from("junk")]));
  const trial = { job: words, inputs: [junk], dir, splitBytes: 1_000_000, spillBytes: 100_000 };
  await assert.rejects(kernelParts(trial), /bad-request: .*junk\.gz is not whole gzip/);
  await assert.rejects(judgedParts(trial), /bad-request: .*junk\.gz cannot be decompressed/);
});

test("X9: a name that is not UTF-8 is an error of folders and globs", async (t) => {
  if (process.platform !== "linux") return t.skip("file systems elsewhere refuse such names");
  const folder = join(dir, "strange");
  mkdirSync(folder);
  writeFileSync(join(folder, "a.txt"), "1\n");
  const name = Buffer.concat([Buffer.from(`${folder}/caf`), hex("e9"), Buffer.from(".txt")]);
  writeFileSync(name, "2\n");
  const message = /strange\/caf\\xe9\.txt: the name is not UTF-8; rename it/;
  for (const given of [folder, `${folder}/*.txt`, `${dir}/str*/*`, `${folder}/**/*.txt`]) {
    await assert.rejects(planned(words, [given]), { code: "bad-request", message }, given);
  }
  rmSync(name);
  const inner = Buffer.concat([Buffer.from(`${folder}/`), hex("ff"), Buffer.from("/b.txt")]);
  mkdirSync(inner.subarray(0, -6));
  writeFileSync(inner, "3\n");
  const within = /strange\/\\xff: the name is not UTF-8/;
  for (const given of [folder, `${folder}/*/*.txt`, `${folder}/**/*.txt`]) {
    await assert.rejects(planned(words, [given]), { code: "bad-request", message: within }, given);
  }
  // A name may contain the character that replaces invalid UTF-8.
  const fine = fileOf("\ufffd.txt", "1\n");
  await planned(words, [fine.replace(/[^/]+$/, "*.txt")]);
});

test("X9: a link to nothing is an error of folders, globs and names", async () => {
  const folder = join(dir, "links");
  mkdirSync(folder);
  writeFileSync(join(folder, "a.txt"), "1\n");
  symlinkSync("nowhere", join(folder, "b.txt"));
  const message = /links\/b\.txt is a link to nowhere, which does not exist; remove the link/;
  for (const given of [folder, `${folder}/*.txt`, `${folder}/**`, `${folder}/b.txt`]) {
    await assert.rejects(planned(words, [given]), { code: "bad-request", message }, given);
  }
});

test("X9: files made by this machine's tools match the list of formats", (t) => {
  const tools = ["bzip2", "xz", "lz4", "lzip", "lzop"];
  for (const tool of tools) {
    let made: Buffer;
    try {
      made = execFileSync(tool, ["-c"], { input: plain, stdio: ["pipe", "pipe", "ignore"] });
    } catch {
      t.diagnostic(`${tool} is not installed`);
      continue;
    }
    assert.equal(contentOf(made).name, tool);
  }
});

const refusedInputs: ReadonlyArray<
  readonly [job: Job, content: string | Uint8Array, text: RegExp]
> = [
  [text.csv(["a"]).count(), "a,b\n1\n", /1 fields where 2 columns are named; badRecords: "keep"/],
  [text.csv(["a"]).sort({ by: "a" }), "a,b\n1\n", /1 fields.*; badRecords: "keep" sets/],
  [text.json(["a"]).count(), "{\n", /bad record at .*:0: .*; badRecords: "keep" sets such/],
  [text.csv(["n"]).sum("n"), "n\nx\n", /"n" is "x", which is no number.*; badRecords: "keep"/],
  [text.words().count(), "a".repeat(1_100_000), /a key of 1100001 bytes.*; badRecords: "keep"/],
  [text.csv(["c"]).count(), "a;b\n1;2\n", /c/],
  [text.lines().count(), gzipSync(plain).subarray(0, 20), /is not whole gzip/],
  [bytes.records(10).sort(), gzipSync("12345"), /no whole records? of 10 bytes/],
];

test("X9: an input that cannot be read is final, and the error says what to do", async () => {
  for (const [job, content, message] of refusedInputs) {
    const name = typeof content === "string" ? "a.txt" : "a.gz";
    const trial = { job, inputs: [fileOf(name, content)], dir, splitBytes: 1e6, spillBytes: 1e5 };
    const isFinal = (error: unknown) => {
      assert.ok(error instanceof ClusterError && message.test(error.message), String(error));
      assert.equal(failureOf(error, "").isFinal, true);
      return true;
    };
    await assert.rejects(kernelParts({ ...trial, reducers: 1 }), isFinal);
    if (!/keep/.test(message.source)) continue;
    await assert.rejects(judgedParts({ ...trial, reducers: 1 }), message);
  }
});

test("X9: what the user's own code throws may be otherwise the next time", async () => {
  const map = () => {
    throw new Error("today");
  };
  const trial = { job: mapReduce({ map }), inputs: [fileOf("a.txt", plain)], dir };
  await assert.rejects(kernelParts({ ...trial, splitBytes: 100, spillBytes: 2_000 }), (error) => {
    assert.equal(failureOf(error, "").isFinal, undefined);
    return true;
  });
});
