/** How fast is the data plane alone? Word count through input, map, run and merge in one process,
 *  against the plain
 *  single-thread script. `node bench/kernels.ts [MiB]` */
import {
  createReadStream,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { mapReduce } from "../src/sdk/job.ts";
import { decodeManifest } from "../src/wire/block/manifest.ts";
import type { Plan } from "../src/wire/block/plan.ts";
import type { ByteSource } from "../src/worker/kernels/byte-source.ts";
import type { Segment } from "../src/worker/kernels/run-file.ts";
import { runMap } from "../src/worker/task/map-task.ts";
import { runReduce } from "../src/worker/task/reduce-task.ts";

const mebibyte = 1024 * 1024;
const sizeMiB = Number(process.argv[2] ?? 128);
const splitBytes = 32 * mebibyte;
const reducers = 2;
const folder = mkdtempSync(join(tmpdir(), "kernels-"));

/** Zipf words of a fixed seed: 150,000 different ones, lines of twelve. */
function writeText(path: string, sizeBytes: number): void {
  let seed = 7;
  const random = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
  const letters = "etaoinshrdlcumwfgypbvk";
  const words = Array.from({ length: 150_000 }, (_, rank) => {
    const length = 2 + Math.floor(random() * Math.min(9, 2 + Math.log2(rank + 1) / 2));
    const pick = () => letters[Math.floor(random() ** 1.6 * letters.length)];
    return Array.from({ length }, pick).join("") + (rank > 1000 ? rank.toString(36) : "");
  });
  const fd = openSync(path, "w");
  for (let written = 0; written < sizeBytes; ) {
    let text = "";
    for (let line = 0; line < 2000; line++) {
      for (let i = 0; i < 12; i++) text += `${words[Math.floor(words.length ** random()) - 1]} `;
      text += "\n";
    }
    written += writeSync(fd, text);
  }
}

function fileSource(path: string, start: number, end: number): ByteSource {
  const fd = openSync(path, "r");
  let started = false;
  let at = start;
  return {
    nextPiece() {
      if (started) return null;
      started = true;
      return { file: 0, offset: start, head: null };
    },
    read(into, offset) {
      const count = readSync(fd, into, offset, Math.min(into.length - offset, 65536, end - at), at);
      at += count;
      return count;
    },
  };
}

async function plain(path: string): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for await (const line of createInterface({ input: createReadStream(path) })) {
    for (const word of line.split(/\s+/)) {
      if (word !== "") counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  return counts;
}

const job = mapReduce<string, string, number>({
  map(line, emit) {
    for (const word of line.split(/\s+/)) if (word !== "") emit(word, 1);
  },
  combine: (a, b) => a + b,
});

function cluster(path: string, sizeBytes: number): void {
  if (job.kind !== "map-reduce") return;
  const splits = Math.ceil(sizeBytes / splitBytes);
  const plan: Plan = {
    version: 1,
    files: [
      {
        name: "text",
        compression: "none",
        sizeBytes,
        at: { kind: "path", host: "", path, mtimeMs: 0 },
      },
    ],
    splits: Array.from({ length: splits }, () => ({ input: "default", pieces: [] })),
    items: null,
    params: {},
    reducers,
    spillBytes: 256 * mebibyte,
  };
  const began = performance.now();
  const outputs: string[] = [];
  for (let task = 0; task < splits; task++) {
    const source = fileSource(
      path,
      task * splitBytes,
      Math.min(sizeBytes, (task + 1) * splitBytes),
    );
    const out = join(folder, `map-${task}`);
    runMap({ job, plan, params: {}, task, source, out });
    outputs.push(out);
  }
  const mapped = performance.now();
  let records = 0;
  for (let partition = 0; partition < reducers; partition++) {
    const segments = outputs.map((out): Segment => {
      const manifest = decodeManifest(readFileSync(`${out}.manifest`));
      const { offset, sizeBytes: length } = manifest.partitions[partition]!;
      return { path: `${out}.run`, offset, sizeBytes: length };
    });
    const out = join(folder, `reduce-${partition}`);
    records += runReduce({ job, params: {}, task: partition, segments, out }).records;
  }
  const ended = performance.now();
  report("map and spill", sizeBytes, mapped - began);
  report("merge and reduce", sizeBytes, ended - mapped);
  report("kernels", sizeBytes, ended - began);
  console.log(`${records} different words`);
}

function report(name: string, sizeBytes: number, ms: number): void {
  const speed = sizeBytes / 1e6 / (ms / 1000);
  console.log(
    `${name.padEnd(18)} ${ms.toFixed(0).padStart(6)} ms ${speed.toFixed(1).padStart(7)} MB/s`,
  );
}

try {
  const path = join(folder, "text");
  const sizeBytes = sizeMiB * mebibyte;
  writeText(path, sizeBytes);
  cluster(path, sizeBytes);
  if (process.argv[3] !== "alone") {
    const began = performance.now();
    const counts = await plain(path);
    report("plain script", sizeBytes, performance.now() - began);
    console.log(`${counts.size} different words`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
