/** Kernels of `text.words().count()`: the words never become strings. */
import { Arena, damaged } from "../../wire/block/arena.ts";
import { writeKey } from "../../wire/block/key.ts";
import type { InputFile } from "../../wire/block/plan.ts";
import { type PairFormat, pairFormat } from "../../wire/block/row.ts";
import type { RunReader } from "../../wire/block/run.ts";
import type { ByteSource } from "../kernels/byte-source.ts";
import { RecordPosition } from "../kernels/lines.ts";
import { type Part, PartWriter } from "../kernels/output.ts";
import { SegmentFiles } from "../kernels/run-file.ts";
import { SpillFiles } from "../kernels/spill.ts";
import { WordCounts } from "../kernels/wasm/word-counts.ts";
import { inputBytes } from "../kernels/wasm/word-kernel.ts";
import { readText } from "../kernels/words/text-bytes.ts";
import { BadRecords } from "../task/bad-records.ts";
import { type MapDone, type MapTask, storeManifest } from "../task/map-task.ts";
import { mergeBytesOf } from "../task/memory.ts";
import type { ReduceTask } from "../task/reduce-task.ts";
import { thrownBy } from "../task/thrown.ts";

const key = new Arena(256);
/** Partitions with more than these are merged as streams. */
const partitionMaxBytes = 64 * 1024 * 1024;
const entriesMax = 2_000_000;
/** What is held takes about so much for each entry. */
const heldEntryBytes = 100;
/** Tables are never larger than this: they double, and sorting needs as much again, of the 4 GiB
 *  that a kernel can have. */
const tablesMaxBytes = 512 * 1024 * 1024;

/** Kept from task to task of this process. */
const counters = new Map<boolean, WordCounts>();

function emptyCounts(lowercase: boolean): WordCounts {
  const counts = counters.get(lowercase) ?? new WordCounts(lowercase);
  counters.set(lowercase, counts);
  counts.clear();
  return counts;
}

export function mapCountWords(task: MapTask, lowercase: boolean): MapDone {
  const { plan, job, source, out } = task;
  const bad = new BadRecords(job.options.badRecords ?? "fail", `${out}.bad`);
  const spills = new SpillFiles({
    partitionCount: plan.reducers,
    combine: (a, b) => (a as number) + (b as number),
    descending: false,
    path: `${out}.run`,
  });
  const counts = emptyCounts(lowercase);
  const write = (path: string) => writeCounts(counts, plan.reducers, spills, path);
  try {
    const reading = { source, counts, lowercase, bad, position: new RecordPosition() };
    const full = () => {
      if (counts.sizeBytes <= Math.min(plan.spillBytes / 2, tablesMaxBytes)) return;
      write(spills.nextPath());
      counts.clear();
      spills.compact();
    };
    for (let piece = source.nextPiece(); piece !== null; piece = source.nextPiece()) {
      reading.position.file = (plan.files[piece.file] as InputFile).name;
      readPiece(reading, piece.offset, full);
    }
    const isSpilled = spills.count > 0;
    const last = write(isSpilled ? spills.nextPath() : `${out}.run`);
    const manifest = isSpilled ? spills.mergeAll() : last;
    return { ...storeManifest(out, manifest), ...bad.finish() };
  } catch (error) {
    bad.discard();
    throw error;
  } finally {
    spills.close();
  }
}

type Reading = {
  readonly source: ByteSource;
  readonly counts: WordCounts;
  readonly lowercase: boolean;
  readonly bad: BadRecords;
  readonly position: RecordPosition;
};

/** `full` is called after each part that was counted. */
function readPiece(reading: Reading, startOffset: number, full: () => void): void {
  const { source, position, counts } = reading;
  const scan = (end: number): void => {
    counts.scan(end);
    full();
  };
  const word = (text: string, offset: number) => addLong(reading, text, offset);
  readText({ source, position, input: () => counts.input, scan, word }, startOffset);
}

/** Only a long word may be too long for a key. */
function addLong({ counts, position, lowercase, bad }: Reading, found: string, at: number): void {
  const text = lowercase ? found.toLowerCase() : found;
  position.fixedOffset = at;
  key.length = 0;
  try {
    writeKey(key, text, "map");
  } catch (thrown) {
    bad.add(position, text, thrownBy("map", thrown, `the record at ${position.file}:${at}`), true);
    return;
  }
  counts.add(key.bytes.subarray(1, key.length), 1);
}

/** Writes all that is counted as a file of partitions. */
function writeCounts(
  counts: WordCounts,
  partitions: number,
  spills: SpillFiles,
  path: string,
): Uint8Array {
  const starts = counts.sort(partitions);
  return spills.write(path, (file) => {
    for (let p = 0; p < partitions; p++) {
      const [from, to] = [starts[p] as number, starts[p + 1] as number];
      if (from === to) continue;
      file.partition(p, (run) => {
        counts.writeRun(from, to, (payload, entries) => run.block(payload, entries));
      });
    }
  });
}

/** Null when the partition is too large to be held. */
export function reduceCountWords(task: ReduceTask): Part | null {
  const { job, memoryBytes, segments, out } = task;
  const heldBytes = mergeBytesOf(memoryBytes, entriesMax * heldEntryBytes);
  const format = pairFormat(job.options.output);
  const sizeBytes = segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
  if (sizeBytes > Math.min(partitionMaxBytes, heldBytes)) return null;
  const files = new SegmentFiles();
  try {
    const runs = segments.map((segment) => files.reader(segment));
    const entries = runs.reduce((sum, run) => sum + run.entries, 0);
    return entries > heldBytes / heldEntryBytes ? null : writePart(runs, `${out}.part`, format);
  } finally {
    files.close();
  }
}

function writePart(runs: readonly RunReader[], path: string, format: PairFormat): Part {
  const counts = emptyCounts(false);
  const part = new PartWriter(path, format);
  try {
    for (const run of runs) absorb(counts, run);
    const [from = 0, to = 0] = counts.sort(1);
    counts.writeRows([from, to], format, (rows, count) => part.rows(rows, count));
    return part.finish();
  } catch (error) {
    part.discard();
    throw error;
  }
}

function absorb(counts: WordCounts, run: RunReader): void {
  let entries = 0;
  for (let payload = run.payload(); payload !== null; payload = run.payload()) {
    if (payload.length > inputBytes) throw damaged("a block of counted words is too long");
    counts.input.set(payload);
    const count = counts.absorb(payload.length);
    if (count < 0) throw damaged("an entry is no counted word");
    entries += count;
  }
  if (entries !== run.entries) throw damaged("a run has not the entries it promises");
}
