/** Merges segments into one stream of records, within a bound of memory however many they are.
 *
 *  Of equal keys those of the earlier segment come first: given in the order of the input, sorting
 *  is stable. More segments than fit are merged in groups of neighbours first. */
import { ClusterError } from "../../../core/error.ts";
import type { Segment } from "../run-file.ts";
import {
  freeAt,
  type Ordering,
  runBytes,
  runsAt,
  runsMax,
  type SortKernel,
  slackBytes,
  treeAt,
} from "./kernel.ts";
import { keepsAll, Measured } from "./measured.ts";
import { OpenSegments, type RecordSink, type SegmentReader, SegmentWriter } from "./segment.ts";

export type Merging = {
  readonly kernel: SortKernel;
  readonly ordering: Ordering;
  /** For all buffers. Exceeded only when two records need more. */
  readonly memoryBytes: number;
  /** Intermediate files are `<path>.merge-<n>`. */
  readonly path: string;
  /** Of framed records only what is behind the key is written. */
  readonly strip: boolean;
};

/** What is read of a run at once, at most. */
const bufferMaxBytes = 2 * 1024 * 1024;
/** Less would be too many reads. */
const bufferMinBytes = 64 * 1024;
const outMaxBytes = 4 * 1024 * 1024;
const outOf = (memoryBytes: number) => Math.min(outMaxBytes, memoryBytes >> 3);

export function mergeSegments(all: readonly Segment[], merging: Merging, sink: RecordSink): void {
  const open = new OpenSegments();
  const made: SegmentWriter[] = [];
  try {
    let segments = all.filter(({ sizeBytes }) => sizeBytes > 0);
    for (;;) {
      const groups = grouped(segments, merging, open);
      if (groups.length <= 1) {
        if (groups[0] !== undefined) mergeGroup(groups[0], merging, sink);
        return;
      }
      segments = groups.map((group) => {
        const writer = new SegmentWriter(`${merging.path}.merge-${made.length}`, false);
        made.push(writer);
        mergeGroup(group, { ...merging, strip: false }, writer);
        writer.end();
        writer.file.close();
        return { path: writer.file.path, offset: 0, sizeBytes: writer.file.sizeBytes };
      });
      open.close();
    }
  } finally {
    open.close();
    for (const { file } of made) file.discard();
  }
}

/** Neighbours that can be merged at once. */
function grouped(
  segments: readonly Segment[],
  { memoryBytes }: Merging,
  open: OpenSegments,
): SegmentReader[][] {
  const groups: SegmentReader[][] = [];
  let group: SegmentReader[] = [];
  let longest = 0;
  for (const segment of segments) {
    const reader = open.reader(segment);
    longest = Math.max(longest, reader.longest);
    const least = Math.max(bufferMinBytes, longest + 2 * slackBytes);
    const fits = (group.length + 1) * least + outOf(memoryBytes) + longest <= memoryBytes;
    if (group.length >= 2 && (!fits || group.length === runsMax)) {
      groups.push(group);
      group = [];
      longest = reader.longest;
    }
    group.push(reader);
  }
  if (group.length > 0) groups.push(group);
  return groups;
}

function mergeGroup(readers: readonly SegmentReader[], merging: Merging, sink: RecordSink): void {
  const { ordering, strip } = merging;
  // What is stripped is a result, no segment.
  const measured = keepsAll(ordering) || strip ? sink : new Measured(sink, ordering.shape);
  new GroupMerge(readers, merging, measured).run();
}

class GroupMerge {
  readonly #readers: readonly SegmentReader[];
  readonly #merging: Merging;
  readonly #kernel: SortKernel;
  readonly #sink: RecordSink;
  readonly #longest: number;
  readonly #bufferBytes: number;
  readonly #buffersAt: number;
  readonly #outAt: number;
  readonly #outBytes: number;
  /** Bytes and records that lie in `out`. */
  #filled = 0;
  #records = 0;
  #left: number;

  constructor(readers: readonly SegmentReader[], merging: Merging, sink: RecordSink) {
    this.#readers = readers;
    this.#merging = merging;
    this.#kernel = merging.kernel;
    this.#sink = sink;
    const { memoryBytes, ordering } = merging;
    const longest = readers.reduce((most, reader) => Math.max(most, reader.longest), 0);
    this.#longest = longest;
    this.#left = ordering.limit ?? Number.POSITIVE_INFINITY;
    const lastKeyBytes = ordering.unique ? longest : 0;
    this.#outAt = freeAt + lastKeyBytes + slackBytes;
    this.#outBytes = Math.max(outOf(memoryBytes), longest);
    this.#buffersAt = this.#outAt + this.#outBytes + slackBytes;
    const share = Math.floor((memoryBytes - this.#buffersAt) / readers.length);
    const fitting = Math.max(bufferMinBytes, Math.min(bufferMaxBytes, share));
    this.#bufferBytes = Math.max(fitting, longest + 2 * slackBytes);
    this.#kernel.ensure(this.#buffersAt + readers.length * this.#bufferBytes);
  }

  run(): void {
    const { calls, words } = this.#kernel;
    const count = this.#readers.length;
    calls.startMerge(freeAt);
    for (let run = 0; run < count; run++) {
      const at = (runsAt + run * runBytes) >> 2;
      words[at + 2] = words[at + 3] = this.#buffersAt + run * this.#bufferBytes;
      words[at + 5] = 1;
      this.#fill(run);
    }
    calls.buildTree(runsAt, treeAt, count);
    while (this.#left > 0) {
      const answer = this.#merge(count);
      if (answer === -2) break;
      if (answer === -1) this.#flush();
      else {
        this.#fill(answer);
        calls.replay(runsAt, treeAt, count, answer);
      }
    }
    this.#flush();
    for (const reader of this.#readers) reader.finish();
  }

  #merge(count: number): number {
    const { calls } = this.#kernel;
    const out = this.#outAt + this.#filled;
    const room = this.#outBytes - this.#filled;
    const most = Math.min(this.#left, 0x7fff_ffff);
    const strip = Number(this.#merging.strip);
    const answer = calls.merge(runsAt, treeAt, count, out, room, most, strip);
    this.#filled += calls.bytesDone();
    this.#records += calls.recordsDone();
    this.#left -= calls.recordsDone();
    return answer;
  }

  #flush(): void {
    if (this.#records === 0) return;
    const bytes = this.#kernel.bytes.subarray(this.#outAt, this.#outAt + this.#filled);
    this.#sink.write(bytes, this.#records, this.#longest);
    this.#filled = 0;
    this.#records = 0;
  }

  /** Moves what is left of a run's bytes to the start of its buffer, and reads on. */
  #fill(run: number): void {
    const { bytes, words, calls } = this.#kernel;
    const reader = this.#readers[run] as SegmentReader;
    const at = (runsAt + run * runBytes) >> 2;
    const start = this.#buffersAt + run * this.#bufferBytes;
    const from = words[at + 2] as number;
    const to = words[at + 3] as number;
    if (from !== start) bytes.copyWithin(start, from, to);
    const kept = to - from;
    const read = reader.read(bytes.subarray(start + kept, start + this.#bufferBytes - slackBytes));
    words[at + 2] = start;
    words[at + 3] = start + kept + read;
    if (calls.setHead(runsAt + run * runBytes) === 1) return;
    if (kept + read > 0 || reader.leftBytes > 0) {
      throw new ClusterError("data-lost", "a sorted segment ends inside of a record");
    }
    calls.endRun(runsAt + run * runBytes);
  }
}
