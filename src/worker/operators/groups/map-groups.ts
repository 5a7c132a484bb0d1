/** The map task of `count`, `sum`, `min` and `max` of CSV, by a kernel: rows never become
 *  strings. What it leaves is what the operator's job would. */
import { assert } from "../../../core/error.ts";
import type { FormatSpec, InputFile } from "../../../wire/block/plan.ts";
import type { SourcePiece } from "../../kernels/byte-source.ts";
import { type CsvFormat, type CsvRow, headerRow, namedRow } from "../../kernels/csv.ts";
import { GroupTable } from "../../kernels/groups/group-table.ts";
import { headLine } from "../../kernels/records.ts";
import { SpillFiles } from "../../kernels/spill.ts";
import { BadRecords } from "../../task/bad-records.ts";
import { combineOf } from "../../task/job.ts";
import { inputOf, type MapDone, type MapTask, storeManifest } from "../../task/map-task.ts";
import { type GroupBy, shapeOf } from "./group-by.ts";
import { OddRows } from "./odd-rows.ts";

/** Tables are never larger than this: they double, and sorting needs as much again, of the 4 GiB
 *  that a kernel can have. */
const tablesMaxBytes = 512 * 1024 * 1024;
const newline = 10;
const mark = Buffer.of(0xef, 0xbb, 0xbf);

/** Options of CSV that the kernel knows: with any other a job is run as it is. */
const csvOptions = ["format", "header", "separator", "multiline", "columns", "pick"];

/** Whether the kernel reads this format. */
export function isGroupFormat(format: FormatSpec, { by, column }: GroupBy): boolean {
  if (format.format !== "csv" || format.multiline) return false;
  if (Object.keys(format).some((name) => !csvOptions.includes(name))) return false;
  const { separator, header, columns, pick } = format;
  if (!header && columns === null) return false;
  const names = pick ?? columns;
  const wanted = column === null ? by : [...by, column];
  const isThere = names === null || wanted.every((name) => names.includes(name));
  return separator.length === 1 && separator.charCodeAt(0) < 0x80 && isThere;
}

/** Null when the kernel does not read what the task reads. */
export function mapGroups(task: MapTask, groups: GroupBy): MapDone | null {
  const format = inputOf(task).input;
  if (format === undefined || !isGroupFormat(format, groups)) return null;
  return new MapGroups(task, format as CsvFormat, groups).run();
}

class MapGroups {
  readonly #task: MapTask;
  readonly #format: CsvFormat;
  readonly #groups: GroupBy;
  readonly #table: GroupTable;
  readonly #bad: BadRecords;
  readonly #spills: SpillFiles;
  readonly #odd: OddRows;

  constructor(task: MapTask, format: CsvFormat, groups: GroupBy) {
    const { plan, job, out } = task;
    this.#task = task;
    this.#format = format;
    this.#groups = groups;
    this.#table = new GroupTable(shapeOf(groups));
    this.#bad = new BadRecords(job.options.badRecords ?? "fail", `${out}.bad`);
    this.#spills = new SpillFiles({
      partitionCount: plan.reducers,
      combine: combineOf(job),
      descending: false,
      path: `${out}.run`,
    });
    this.#odd = new OddRows(task, this.#bad);
  }

  run(): MapDone {
    const { source, out } = this.#task;
    try {
      for (let piece = source.nextPiece(); piece !== null; piece = source.nextPiece()) {
        this.#piece(piece);
      }
      this.#odd.finish(this.#spills);
      const isSpilled = this.#spills.count > 0;
      const last = this.#write(isSpilled ? this.#spills.nextPath() : `${out}.run`);
      const manifest = isSpilled ? this.#spills.mergeAll() : last;
      return { ...storeManifest(out, manifest), badRecordsPath: this.#bad.finish() };
    } catch (error) {
      this.#bad.discard();
      throw error;
    } finally {
      this.#odd.close();
      this.#spills.close();
    }
  }

  #piece(piece: SourcePiece): void {
    const { source } = this.#task;
    const started = piece.offset === 0 ? this.#start(piece) : this.#goOn(piece);
    if (started === null) return;
    const { lines } = started;
    let { filled, offset } = started;
    for (;;) {
      const before = filled;
      filled = this.#fill(filled);
      const isLast = filled === before;
      const room = this.#table.input;
      const end = filled === 0 ? 0 : room.lastIndexOf(newline, filled - 1) + 1;
      if (end > 0) this.#scan(lines, offset, end);
      offset += end;
      filled -= end;
      // Views of the input do not outlast a scan.
      this.#table.input.copyWithin(0, end, end + filled);
      if (end > 0 && !isLast) continue;
      // The last line, which has no newline, or one that is too long.
      const rest = this.#table.input.slice(0, filled);
      if (filled > 0) this.#odd.read(lines, offset, rest, source);
      return;
    }
  }

  /** Reads until the input is at least half full: few and long calls of the kernel, since a pipe
   *  gives less at a time. Answers how much is there; no more than before = the piece is over, or
   *  there is no room. */
  #fill(filled: number): number {
    const { source } = this.#task;
    const room = this.#table.input;
    let end = filled;
    for (let count = 1; count > 0 && (end === filled || end < room.length / 2); end += count) {
      count = end < room.length ? source.read(room, end) : 0;
    }
    return end;
  }

  /** The lines of a piece that starts behind the header line. */
  #goOn(piece: SourcePiece): Lines {
    const file = this.#file(piece);
    const head = this.#format.header ? headLine(piece, file) : "";
    this.#take(namedRow(this.#format, file) ?? headerRow(head, this.#format, file));
    return { lines: piece, offset: piece.offset, filled: 0 };
  }

  /** Those of a file from its start. Null when any other job must read it: its first line is not
   *  whole. */
  #start(piece: SourcePiece): Lines | null {
    const { source } = this.#task;
    const file = this.#file(piece);
    const filled = this.#fill(0);
    const room = this.#table.input.subarray(0, filled);
    const text = mark.equals(room.subarray(0, mark.length)) ? mark.length : 0;
    let [row, head, from] = [namedRow(this.#format, file), piece.head, text];
    if (this.#format.header) {
      const end = room.indexOf(newline) + 1;
      if (end === 0) {
        this.#odd.read(piece, 0, room.slice(), source);
        return null;
      }
      head = room.slice(0, end);
      row ??= headerRow(headLine({ ...piece, head }, file), this.#format, file);
      from = end;
    }
    assert(row !== null, "columns are named by the header or the format");
    this.#take(row);
    room.copyWithin(0, from);
    return { lines: { ...piece, head }, offset: from, filled: filled - from };
  }

  #file(piece: SourcePiece): string {
    return (this.#task.plan.files[piece.file] as InputFile).name;
  }

  /** Tells the kernel where in a row the wanted columns are. */
  #take({ width, indexes, wanted }: CsvRow): void {
    const { by, column } = this.#groups;
    const placeOf = (name: string) => indexes[wanted.indexOf(name)] as number;
    const keys = by.map(placeOf);
    const number = column === null ? null : placeOf(column);
    const places = new Set(number === null ? keys : [...keys, number]);
    const columns = [...places].sort((a, b) => a - b);
    const fieldOf = (place: number) => columns.indexOf(place);
    this.#table.setCsv(this.#format.separator.charCodeAt(0), width, columns);
    this.#table.setFields(keys.map(fieldOf), number === null ? null : fieldOf(number));
  }

  #scan(lines: SourcePiece, offset: number, end: number): void {
    this.#table.scan(end, ([from, to]) => {
      // A copy: reading may need the memory of the kernel.
      const bytes = this.#table.input.slice(from, to);
      this.#odd.read(lines, offset + from, bytes, null);
    });
    const { spillBytes } = this.#task.plan;
    if (this.#table.sizeBytes <= Math.min(spillBytes / 2, tablesMaxBytes)) return;
    this.#write(this.#spills.nextPath());
    this.#table.clear();
    this.#spills.compact();
  }

  /** Writes all groups as a file of partitions. */
  #write(path: string): Uint8Array {
    const partitions = this.#task.plan.reducers;
    const starts = this.#table.sort(partitions);
    return this.#spills.write(path, (file) => {
      for (let p = 0; p < partitions; p++) {
        const [from, to] = [starts[p] as number, starts[p + 1] as number];
        if (from === to) continue;
        file.partition(p, (run) => {
          this.#table.writeRun(from, to, (payload, entries) => run.block(payload, entries));
        });
      }
    });
  }
}

/** What is to be read of a piece: lines from `offset` on, of which `filled` bytes are there. */
type Lines = {
  readonly lines: SourcePiece;
  readonly offset: number;
  readonly filled: number;
};
