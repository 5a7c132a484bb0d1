/** The map task of `count`, `sum`, `min` and `max` of CSV or JSON, by a kernel: rows never become
 *  strings. What it leaves is what the operator's job would. */
import { assert } from "../../../core/error.ts";
import type { FormatSpec, InputFile } from "../../../wire/block/plan.ts";
import type { SourcePiece } from "../../kernels/byte-source.ts";
import { type CsvFormat, type CsvRow, headerRow, namedRow } from "../../kernels/csv.ts";
import { GroupTable } from "../../kernels/groups/group-table.ts";
import { isPlainPath } from "../../kernels/groups/json-names.ts";
import { headLine } from "../../kernels/records.ts";
import { SpillFiles } from "../../kernels/spill.ts";
import { BadRecords } from "../../task/bad-records.ts";
import { combineOf } from "../../task/job.ts";
import { inputOf, type MapDone, type MapTask, storeManifest } from "../../task/map-task.ts";
import { columnsOf, type GroupBy, shapeOf } from "./group-by.ts";
import { OddRows } from "./odd-rows.ts";

/** Tables are never larger than this: they double, and sorting needs as much again, of the 4 GiB
 *  that a kernel can have. */
const tablesMaxBytes = 512 * 1024 * 1024;
const newline = 10;
const mark = Buffer.of(0xef, 0xbb, 0xbf);

/** Options of formats that the kernel knows: with any other a job is run as it is. */
const options: { readonly [format: string]: readonly string[] } = {
  csv: ["format", "header", "separator", "multiline", "columns", "pick"],
  json: ["format", "paths"],
};

/** Whether the kernel reads this format. */
export function isGroupFormat(format: FormatSpec, groups: GroupBy): boolean {
  const known = options[format.format];
  if (known === undefined || Object.keys(format).some((name) => !known.includes(name)))
    return false;
  const wanted = columnsOf(groups);
  const names = namesOf(format);
  if (names !== null && !wanted.every((name) => names.includes(name))) return false;
  if (format.format === "json") return wanted.every(isPlainPath);
  if (format.format !== "csv" || format.multiline) return false;
  const { separator, header, columns } = format;
  return separator.length === 1 && separator.charCodeAt(0) < 0x80 && (header || columns !== null);
}

/** The columns that records have, as far as the format names them. */
function namesOf(format: FormatSpec): readonly string[] | null {
  if (format.format === "json") return format.paths;
  return format.format === "csv" ? (format.pick ?? format.columns) : [];
}

/** Null when the kernel does not read what the task reads. */
export function mapGroups(task: MapTask, groups: GroupBy): MapDone | null {
  const format = inputOf(task).input;
  if (format === undefined || !isGroupFormat(format, groups)) return null;
  return new MapGroups(task, format, groups).run();
}

class MapGroups {
  readonly #task: MapTask;
  /** Null = lines are JSON. */
  readonly #csv: CsvFormat | null;
  readonly #groups: GroupBy;
  readonly #table: GroupTable;
  readonly #bad: BadRecords;
  readonly #spills: SpillFiles;
  readonly #odd: OddRows;
  /** Whether all of the piece has been read. */
  #isOver = false;

  constructor(task: MapTask, format: FormatSpec, groups: GroupBy) {
    const { plan, job, out } = task;
    this.#task = task;
    this.#csv = format.format === "csv" ? format : null;
    this.#groups = groups;
    const paths = format.format === "json" ? { paths: columnsOf(groups) } : {};
    this.#table = new GroupTable({ ...shapeOf(groups), ...paths });
    this.#setFields(columnsOf(groups));
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
      filled = this.#fill(filled);
      const room = this.#table.input;
      const end = filled === 0 ? 0 : room.lastIndexOf(newline, filled - 1) + 1;
      const isLast = this.#isOver || (end === 0 && filled === room.length);
      if (end > 0) this.#scan(lines, offset, end);
      offset += end;
      filled -= end;
      // Views of the input do not outlast a scan.
      this.#table.input.copyWithin(0, end, end + filled);
      if (!isLast) continue;
      // The last line, which has no newline, or one that is too long.
      const rest = this.#table.input.slice(0, filled);
      if (filled > 0) this.#odd.read(lines, offset, rest, source);
      return;
    }
  }

  /** Reads until the input is at least half full: few and long calls of the kernel, since a pipe
   *  gives less at a time. Answers how much is there then. */
  #fill(filled: number): number {
    const { source } = this.#task;
    const room = this.#table.input;
    let end = filled;
    while (end < room.length && (end === filled || end < room.length / 2)) {
      const count = source.read(room, end);
      this.#isOver = count === 0;
      if (this.#isOver) break;
      end += count;
    }
    return end;
  }

  /** The lines of a piece that starts behind the header line. */
  #goOn(piece: SourcePiece): Lines {
    const csv = this.#csv;
    if (csv !== null) {
      const file = this.#file(piece);
      const head = csv.header ? headLine(piece, file) : "";
      this.#take(csv, namedRow(csv, file) ?? headerRow(head, csv, file));
    }
    return { lines: piece, offset: piece.offset, filled: 0 };
  }

  /** Those of a file from its start. Null when any other job must read it: its first line is not
   *  whole. */
  #start(piece: SourcePiece): Lines | null {
    const { source } = this.#task;
    const file = this.#file(piece);
    const filled = this.#fill(0);
    const room = this.#table.input.subarray(0, filled);
    let from = mark.equals(room.subarray(0, mark.length)) ? mark.length : 0;
    let { head } = piece;
    const csv = this.#csv;
    if (csv !== null) {
      let row = namedRow(csv, file);
      if (csv.header) {
        from = room.indexOf(newline) + 1;
        if (from === 0) {
          this.#odd.read(piece, 0, room.slice(), source);
          return null;
        }
        head = room.slice(0, from);
        row ??= headerRow(headLine({ ...piece, head }, file), csv, file);
      }
      assert(row !== null, "columns are named by the header or the format");
      this.#take(csv, row);
    }
    room.copyWithin(0, from);
    return { lines: { ...piece, head }, offset: from, filled: filled - from };
  }

  #file(piece: SourcePiece): string {
    return (this.#task.plan.files[piece.file] as InputFile).name;
  }

  /** Says where in a row the wanted columns are. */
  #take({ separator }: CsvFormat, { width, indexes, wanted }: CsvRow): void {
    const placeOf = (name: string) => indexes[wanted.indexOf(name)] as number;
    const columns = columnsOf(this.#groups).toSorted((a, b) => placeOf(a) - placeOf(b));
    this.#table.setCsv(separator.charCodeAt(0), width, columns.map(placeOf));
    this.#setFields(columns);
  }

  /** The fields of a row are these columns. */
  #setFields(columns: readonly string[]): void {
    const { by, column } = this.#groups;
    const keys = by.map((name) => columns.indexOf(name));
    this.#table.setFields(keys, column === null ? null : columns.indexOf(column));
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
