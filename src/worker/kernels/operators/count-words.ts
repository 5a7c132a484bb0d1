/** Kernels of `text.words().count()`: the words never become strings. */
import { ClusterError } from "../../../core/error.ts";
import { Arena, damaged } from "../../../wire/block/arena.ts";
import { writeKey } from "../../../wire/block/key.ts";
import type { InputFile } from "../../../wire/block/plan.ts";
import type { RunReader } from "../../../wire/block/run.ts";
import { BadRecords } from "../../task/bad-records.ts";
import { type MapDone, type MapTask, storeManifest } from "../../task/map-task.ts";
import type { ReduceTask } from "../../task/reduce-task.ts";
import { thrownBy } from "../../task/thrown.ts";
import type { ByteSource } from "../byte-source.ts";
import { RecordPosition, recordMaxBytes } from "../lines.ts";
import { type Part, PartWriter } from "../output.ts";
import { SegmentFiles } from "../run-file.ts";
import { SpillFiles } from "../spill.ts";
import { inputBytes, runMaxBytes, WordCounts } from "../wasm/words.ts";
import { afterSeparator } from "../words/scan.ts";

const word = /[\p{L}\p{M}\p{N}]+(?:['’][\p{L}\p{M}\p{N}]+)*/gu;
const newline = 10;
const key = new Arena(256);
/** Partitions with more than this, packed, are merged as streams. */
const partitionMaxBytes = 64 * 1024 * 1024;

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
      if (counts.sizeBytes <= plan.spillBytes) return;
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
    return { ...storeManifest(out, manifest), badRecordsPath: bad.finish() };
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

/** `full` hears after each part that was counted. */
function readPiece(reading: Reading, startOffset: number, full: () => void): void {
  const { source, counts } = reading;
  let offset = startOffset;
  let filled = 0;
  for (;;) {
    // One byte stays free for the newline that ends a piece.
    const room = counts.input.subarray(0, inputBytes - 1);
    const count = source.read(room, filled);
    const end = count === 0 ? filled : afterSeparator(room, filled, filled + count);
    filled += count;
    if (count > 0 && filled < room.length) {
      // Few and long calls; a pipe gives less at a time.
      if (filled < inputBytes / 2 || end === 0) continue;
    }
    const until = count === 0 ? closed(counts, filled) : end;
    if (until > 0) {
      counts.scan(until);
      counts.input.copyWithin(0, until, filled);
      filled = Math.max(0, filled - until);
      offset += until;
      full();
    }
    if (count === 0) return;
    if (filled > runMaxBytes) {
      const rest = longRun(reading, offset, Buffer.from(counts.input.subarray(0, filled)));
      offset += filled + rest.read - rest.bytes.length;
      filled = rest.bytes.length;
      counts.input.set(rest.bytes);
    }
  }
}

/** Ends the last word of a piece. */
function closed(counts: WordCounts, filled: number): number {
  counts.input[filled] = newline;
  return filled + 1;
}

/** Counts the words of a run that is longer than any reasonable one. `begun` has no separator;
 *  answers how much more was read, and what of it lies behind the separator. */
function longRun(reading: Reading, offset: number, begun: Buffer): { read: number; bytes: Buffer } {
  const { source, position } = reading;
  let run = begun;
  for (;;) {
    const more = Buffer.alloc(64 * 1024);
    const count = source.read(more, 0);
    const end = afterSeparator(more, 0, count);
    const read = run.length + count - begun.length;
    run = Buffer.concat([run, more.subarray(0, count === 0 ? 0 : end === 0 ? count : end)]);
    if (count === 0 || end > 0) {
      addWords(reading, offset, run);
      return { read, bytes: more.subarray(end, count) };
    }
    if (run.length > recordMaxBytes) {
      throw new ClusterError(
        "limit-exceeded",
        `${position.file}:${offset}: no blank in ${recordMaxBytes} bytes; ` +
          "read the file with bytes.file() or cut it beforehand",
      );
    }
  }
}

/** The words of a run by the expression that says what words are. */
function addWords(
  { counts, position, lowercase, bad }: Reading,
  offset: number,
  run: Buffer,
): void {
  let at = 0;
  for (const [found] of run.toString().matchAll(word)) {
    at = run.indexOf(found, at);
    const text = lowercase ? found.toLowerCase() : found;
    position.fixedOffset = offset + at;
    at += Buffer.byteLength(found);
    try {
      key.length = 0;
      writeKey(key, text, "map");
    } catch (thrown) {
      const place = `the record at ${position.file}:${position.offset}`;
      bad.add(position, text, thrownBy("map", thrown, place));
      continue;
    }
    counts.add(text, 1);
  }
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
export function reduceCountWords({ job, segments, out }: ReduceTask): Part | null {
  const sizeBytes = segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
  if (sizeBytes > partitionMaxBytes) return null;
  const counts = emptyCounts(false);
  const files = new SegmentFiles();
  const format = job.options.output ?? "ndjson";
  if (format === "bytes") return null;
  const part = new PartWriter(`${out}.part`, format);
  try {
    for (const segment of segments) absorb(counts, files.reader(segment));
    const [from = 0, to = 0] = counts.sort(1);
    counts.writeRows([from, to], format, (rows, count) => part.rows(rows, count));
    return part.finish();
  } catch (error) {
    part.discard();
    throw error;
  } finally {
    files.close();
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
