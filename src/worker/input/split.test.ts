/** Splits: wherever a file is cut in two, every record is read exactly once, at its own offset. */
import assert from "node:assert/strict";
import {
  appendFileSync,
  closeSync,
  createWriteStream,
  openSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import type { FormatSpec } from "../../sdk/format.ts";
import { readRecords } from "../../sdk/local/records.ts";
import { temporaryDir } from "../../store/testing/at-end.ts";
import type { InputFile, Piece, Plan } from "../../wire/block/plan.ts";
import { RecordPosition } from "../kernels/lines.ts";
import { pieceReader, wordsOf } from "../kernels/records.ts";
import { openLocal } from "./file.ts";
import { PipeSource } from "./pipe-source.ts";
import { type StreamOptions, streamSplit } from "./split.ts";

const folder = temporaryDir({ after }, "input-");

function inputFile(
  name: string,
  bytes: Uint8Array,
  compression: InputFile["compression"] = "none",
) {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  const { size, mtimeMs } = statSync(path);
  const at = { kind: "path", host: "here", path, mtimeMs } as const;
  return { name, compression, sizeBytes: size, at } satisfies InputFile;
}

function planOf(files: readonly InputFile[], splits: ReadonlyArray<readonly Piece[]>): Plan {
  return {
    version: 1,
    files,
    splits: splits.map((pieces) => ({ input: "default", pieces })),
    items: null,
    params: {},
    reducers: 1,
    spillBytes: 1e6,
  };
}

const framesPath = join(folder, "frames");

async function stream(plan: Plan, task: number, more: Partial<StreamOptions> = {}) {
  const sink = createWriteStream(framesPath);
  const signal = new AbortController().signal;
  try {
    return await streamSplit({ plan, task, open: openLocal, sink, signal, ...more });
  } finally {
    await new Promise((resolve) => sink.end(resolve));
  }
}

/** Reads the frames as a task process does. */
function received(format: FormatSpec = { format: "lines" }): { lines: string[]; heads: string[] } {
  const fd = openSync(framesPath, "r");
  const source = new PipeSource(fd);
  source.startTask();
  const position = new RecordPosition();
  const lines: string[] = [];
  const heads: string[] = [];
  const record = (line: unknown) => lines.push(`${position.offset} ${line}`);
  const read = pieceReader(format, {
    source,
    position,
    record,
    bad: () => {},
    words: wordsOf(format),
  });
  try {
    for (let piece = source.nextPiece(); piece !== null; piece = source.nextPiece()) {
      if (piece.head !== null) heads.push(Buffer.from(piece.head).toString());
      read(piece);
    }
  } finally {
    closeSync(fd);
  }
  return { lines, heads };
}

test("small files are sent many at a time, as if each had been opened", async () => {
  const files = Array.from({ length: 3_000 }, (_, i) => {
    return inputFile(`small-${i}`, Buffer.from(`line ${i}\n`.repeat(1 + (i % 40))));
  });
  const large = inputFile("large", Buffer.alloc(300_000, "some text\n"));
  const all = [...files.slice(0, 2_000), large, ...files.slice(2_000)];
  const plan = planOf(all, [all.map(({ sizeBytes }, i) => [i, 0, sizeBytes] as const)]);
  let opened = 0;
  const open = (file: InputFile) => {
    opened++;
    return openLocal(file);
  };
  const sizeBytes = await stream(plan, 0, { open });
  const one = received();
  assert.equal(opened, all.length);
  opened = 0;
  assert.equal(await stream(plan, 0, { open, host: "here" }), sizeBytes);
  assert.equal(opened, 1);
  assert.deepEqual(received(), one);
  appendFileSync(files[5]!.at.path, "more");
  const changed = stream(plan, 0, { open, host: "here" });
  await assert.rejects(changed, /data-lost: input small-5 changed/);
  rmSync(files[5]!.at.path);
  await assert.rejects(stream(plan, 0, { open, host: "here" }), /data-lost: input small-5: ENOENT/);
});

/** Bytes go through the pipe, or the task process reads the file itself. */
const ways: ReadonlyArray<Partial<StreamOptions>> = [
  {},
  { direct: (path) => path },
  { direct: () => null },
  { host: "here" },
];

test("a text cut in two at any byte loses no record and doubles none", async () => {
  for (const content of ["añb\r\n\n日本語\nlast", "\n\na\r\n", "x\ny\n", "no newline"]) {
    const bytes = Buffer.from(content);
    const file = inputFile("text", bytes);
    await stream(planOf([file], [[[0, 0, bytes.length]]]), 0);
    const whole = received().lines;
    for (let cut = 0; cut <= 2 * bytes.length + 1; cut++) {
      const at = cut >> 1;
      const plan = planOf([file], [[[0, 0, at]], [[0, at, bytes.length]]]);
      await stream(plan, 0, ways[cut & 1]);
      const first = received().lines;
      await stream(plan, 1, ways[cut & 1]);
      assert.deepEqual([...first, ...received().lines], whole, `cut at ${cut}`);
    }
  }
});

test("the words of a split are those of the judge, wherever the cut falls", async () => {
  const content = "\ufeffDon’t añb\r\n\n日本語 e\u0301'n'x 'q'\r\xe9\n\u2019\nlast😀one";
  const bytes = Buffer.concat([Buffer.from(content), Buffer.of(0xc3, 0x0a, 0xe6, 0x97, 0x41)]);
  const file = inputFile("words", bytes);
  const format = { format: "words", lowercase: true } as const;
  for (let cut = 0; cut <= bytes.length; cut++) {
    const pieces: Piece[] = [
      [0, 0, cut],
      [0, cut, bytes.length],
    ];
    const plan = planOf(
      [file],
      pieces.map((piece) => [piece]),
    );
    for (const [task, piece] of pieces.entries()) {
      const judged = [...readRecords(file, piece, format, [])].map((record) =>
        record.kind === "record" ? `${record.offset} ${record.value}` : record.problem,
      );
      for (const way of ways) {
        await stream(plan, task, way);
        assert.deepEqual(received(format).lines, judged, `part ${task} of a cut at ${cut}`);
      }
    }
  }
});

test("records longer than what is read ahead are whole", async () => {
  const long = "x".repeat(300_000);
  const bytes = Buffer.from(`head\n${long}\n${long}\nz\n`);
  const file = inputFile("long", bytes);
  const cuts = [0, 3, 5, 6, 150_000, 300_005, 300_006, 300_007, 600_000, bytes.length];
  for (const way of ways) {
    const lines: string[] = [];
    for (let i = 1; i < cuts.length; i++) {
      await stream(planOf([file], [[[0, cuts[i - 1] as number, cuts[i] as number]]]), 0, way);
      const read = received();
      lines.push(...read.lines);
      for (const head of read.heads) assert.equal(head, "head\n");
    }
    assert.deepEqual(lines, [`0 head`, `5 ${long}`, `300006 ${long}`, "600007 z"]);
  }
});

test("of the first line, which names columns, little more is read than itself", async () => {
  for (const headBytes of [20, 300_000]) {
    const head = `${"n".repeat(headBytes)}\n`;
    const text = Buffer.from(head + "1,2\n".repeat(2_000_000));
    const file = inputFile(`head-${headBytes}`, text);
    const half = text.length >> 1;
    const plan = planOf([file], [[[0, half, half + 1_000]]]);
    let askedBytes = 0;
    const open = async (one: InputFile) => {
      const opened = await openLocal(one);
      const read = (start: number, end: number) => {
        askedBytes += end - start;
        return opened.read(start, end);
      };
      return { ...opened, read };
    };
    await stream(plan, 0, { open });
    assert.deepEqual(received().heads, [head]);
    assert.ok(askedBytes < headBytes * 4 + 40_000, `${askedBytes} bytes of ${headBytes}`);
  }
});

test("gzip of several members and zstd of several frames are read whole", async () => {
  const parts = ["one\ntw", "o\nthree\n"];
  const gzip = inputFile("a.gz", Buffer.concat(parts.map((part) => gzipSync(part))), "gzip");
  const zstd = inputFile(
    "a.zst",
    Buffer.concat(parts.map((part) => zstdCompressSync(part))),
    "zstd",
  );
  const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
  const big = "a line like any other\n".repeat(50_000);
  const frames = [...parts.map((part) => zstdCompressSync(part)), skippable, zstdCompressSync("")];
  const mixed = inputFile("b.zst", Buffer.concat(frames), "zstd");
  const large = inputFile(
    "c.zst",
    Buffer.concat([big, big].map((s) => zstdCompressSync(s))),
    "zstd",
  );
  await stream(planOf([large], [[[0, 0, large.sizeBytes]]]), 0);
  assert.equal(received().lines.length, 100_000);
  for (const file of [gzip, zstd, mixed]) {
    await stream(planOf([file], [[[0, 0, file.sizeBytes]]]), 0);
    assert.deepEqual(received().lines, ["0 one", "4 two", "8 three"]);
  }
});

test("damaged and endless compressed files are refused, never taken for whole", async () => {
  const packed = gzipSync("a\n".repeat(1000));
  const cut = inputFile("cut.gz", packed.subarray(0, packed.length - 9), "gzip");
  const plan = planOf([cut], [[[0, 0, cut.sizeBytes]]]);
  await assert.rejects(stream(plan, 0), /bad-request: cut.gz is not whole gzip/);
  assert.throws(received, { code: "download-failed" });
  const frame = zstdCompressSync("a\n".repeat(1000));
  for (const length of [1, 4, 6, frame.length - 1]) {
    const short = inputFile("cut.zst", Buffer.concat([frame, frame.subarray(0, length)]), "zstd");
    const of = stream(planOf([short], [[[0, 0, short.sizeBytes]]]), 0);
    await assert.rejects(of, /bad-request: cut.zst is not whole zstd/);
  }
  const bomb = inputFile("bomb.gz", gzipSync(Buffer.alloc(10_000_000)), "gzip");
  const limited = stream(planOf([bomb], [[[0, 0, bomb.sizeBytes]]]), 0, { inflatedMaxBytes: 1e6 });
  await assert.rejects(limited, /limit-exceeded: bomb.gz unfolds to more than 1000000 bytes/);
});

test("a file that changed since the submission is data-lost", async () => {
  const file = inputFile("log", Buffer.from("a\n"));
  const plan = planOf([file], [[[0, 0, 2]]]);
  writeFileSync(file.at.path, "a\nb\n");
  await assert.rejects(stream(plan, 0), /data-lost: input log changed while the job runs/);
  writeFileSync(file.at.path, "b\n");
  utimesSync(file.at.path, 1, 1);
  await assert.rejects(stream(plan, 0), { code: "data-lost" });
  rmSync(file.at.path);
  await assert.rejects(stream(plan, 0), { code: "data-lost" });
});

test("a file that changes under a task process that reads it itself is data-lost", async () => {
  const file = inputFile("live", Buffer.from("a\nb\n"));
  await stream(planOf([file], [[[0, 0, 4]]]), 0, { direct: (path) => path });
  assert.deepEqual(received().lines, ["0 a", "2 b"]);
  writeFileSync(file.at.path, "a\nb\nc\n");
  assert.throws(received, /data-lost: input live changed while the job runs/);
  rmSync(file.at.path);
  assert.throws(received, /download-failed: a task process cannot open live/);
});

/** Reads a part of a file, as a task process does that reads it itself; `changed` comes after the
 *  first bytes. */
function readAround(changed: () => void): void {
  const fd = openSync(framesPath, "r");
  const source = new PipeSource(fd);
  source.startTask();
  const buffer = Buffer.alloc(4);
  try {
    source.nextPiece();
    assert.equal(source.read(buffer, 0), 4);
    changed();
    while (source.read(buffer, 0) > 0);
  } finally {
    closeSync(fd);
  }
}

test("F10: a file that changes while a task process reads it is data-lost", async () => {
  const file = inputFile("running", Buffer.from("a\nb\nc\nd\n"));
  await stream(planOf([file], [[[0, 0, 8]]]), 0, { direct: (path) => path });
  readAround(() => {});
  assert.throws(() => readAround(() => truncateSync(file.at.path, 5)), { code: "data-lost" });
});

test("F10: a file that grew while a task process read it is data-lost", async () => {
  const file = inputFile("growing", Buffer.from("a\nb\nc\nd\n"));
  await stream(planOf([file], [[[0, 0, 8]]]), 0, { direct: (path) => path });
  const grow = () => appendFileSync(file.at.path, "e\n");
  assert.throws(() => readAround(grow), { code: "data-lost" });
});

test("F10: a file that changes while a worker reads it is data-lost", async () => {
  const file = inputFile("read", Buffer.alloc(600_000, "x"));
  for (const change of [
    () => appendFileSync(file.at.path, "y"),
    () => truncateSync(file.at.path),
  ]) {
    writeFileSync(file.at.path, Buffer.alloc(600_000, "x"));
    utimesSync(file.at.path, file.at.mtimeMs / 1000, file.at.mtimeMs / 1000);
    const opened = await openLocal(file);
    const chunks = opened.read(0, 600_000)[Symbol.asyncIterator]();
    await chunks.next();
    change();
    await assert.rejects(
      async () => {
        while ((await chunks.next()).done !== true);
      },
      { code: "data-lost" },
    );
    await opened.close();
  }
});

test("an aborted stream ends between frames, and the task does not take it for whole", async () => {
  const file = inputFile("big", Buffer.from("line\n".repeat(200_000)));
  const stop = new AbortController();
  const open: StreamOptions["open"] = async (of) => {
    const opened = await openLocal(of);
    const read = async function* (start: number, end: number) {
      for await (const chunk of opened.read(start, end)) {
        yield chunk;
        stop.abort(new Error("enough"));
      }
    };
    return { read, path: null, close: () => opened.close() };
  };
  const plan = planOf([file], [[[0, 0, file.sizeBytes]]]);
  await assert.rejects(stream(plan, 0, { open, signal: stop.signal }), /enough/);
  assert.throws(received, { code: "download-failed" });
});
