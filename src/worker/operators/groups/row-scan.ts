/** Brings the bytes of a task into the memory of a kernel that groups rows, and has all others read
 *  as any job would. */
import { isUtf8 } from "node:buffer";
import { assert } from "../../../core/error.ts";
import type { FormatSpec, InputFile, TextEncoding } from "../../../wire/block/plan.ts";
import type { SourcePiece } from "../../kernels/byte-source.ts";
import { type CsvFormat, type CsvRow, headerRow, namedRow } from "../../kernels/csv.ts";
import { GroupTable, type Range } from "../../kernels/groups/group-table.ts";
import { isPlainPath } from "../../kernels/groups/json-names.ts";
import { type LinePattern, linePattern, wholeLine } from "../../kernels/groups/line-pattern.ts";
import { headLine } from "../../kernels/records.ts";
import type { MapTask } from "../../task/map-task.ts";
import type { WantedRows } from "./group-by.ts";
import type { OddRows } from "./odd-rows.ts";

const newline = 10;
const mark = Buffer.of(0xef, 0xbb, 0xbf);

/** Options of formats that the kernel knows: with any other a job is run as it is. */
const options: { readonly [format: string]: readonly string[] } = {
  csv: ["format", "encoding", "header", "separator", "multiline", "columns", "pick", "empty"],
  json: ["format", "encoding", "paths", "exact"],
  match: ["format", "encoding", "pattern", "flags", "columns"],
  lines: ["format", "encoding"],
};
const encodings: ReadonlyArray<TextEncoding | undefined> = [undefined, "utf-8", "utf-8-lossy"];

/** Whether the kernel reads this format. */
export function isGroupFormat(format: FormatSpec, wanted: readonly string[]): boolean {
  const known = options[format.format];
  if (known === undefined || Object.keys(format).some((name) => !known.includes(name)))
    return false;
  if (!encodings.includes(encodingOf(format))) return false;
  const names = namesOf(format);
  if (names !== null && !wanted.every((name) => names.includes(name))) return false;
  if (format.format === "json") return wanted.every(isPlainPath);
  if (format.format === "lines" || format.format === "match") {
    return patternOf(format, wanted) !== null;
  }
  if (format.format !== "csv") return false;
  const { separator, header, columns } = format;
  return separator.length === 1 && separator.charCodeAt(0) < 0x80 && (header || columns !== null);
}

function encodingOf(format: FormatSpec): TextEncoding | undefined {
  return "encoding" in format ? format.encoding : undefined;
}

/** The columns that records have, as far as the format names them. */
function namesOf(format: FormatSpec): readonly string[] | null {
  switch (format.format) {
    case "json":
      return format.paths;
    case "match":
      return format.columns ?? ["match"];
    case "csv":
      return format.pick ?? format.columns;
    default:
      return ["line"];
  }
}

/** What finds these columns of lines; null = the format is no other than the engine's. */
function patternOf(format: FormatSpec, wanted: readonly string[]): LinePattern | null {
  if (format.format === "lines") return wanted.length > 0 ? wholeLine() : null;
  if (format.format !== "match") return null;
  const { columns } = format;
  return linePattern(
    format,
    wanted.map((name) => (columns === null ? 0 : columns.indexOf(name) + 1)),
  );
}

export type ScanOptions = {
  readonly task: MapTask;
  /** One that `isGroupFormat`. */
  readonly format: FormatSpec;
  readonly wanted: WantedRows;
  readonly odd: OddRows;
  /** Takes the frames of a program that makes such. */
  readonly frames?: (bytes: Uint8Array) => void;
  /** Called after each part that was grouped. */
  readonly scanned: (table: GroupTable) => void;
};

export class RowScan {
  readonly table: GroupTable;
  readonly #options: ScanOptions;
  /** Null = lines are no CSV. */
  readonly #csv: CsvFormat | null;
  /** Whether all of the piece has been read. */
  #isOver = false;

  constructor(options: ScanOptions) {
    const { format, wanted } = options;
    this.#options = options;
    this.#csv = format.format === "csv" ? format : null;
    const { columns, shape } = wanted;
    const paths = format.format === "json" ? { paths: columns } : {};
    const pattern = patternOf(format, columns);
    const found = pattern === null ? paths : { pattern };
    this.table = new GroupTable({ ...shape, ...found });
    wanted.setFields(this.table, columns);
  }

  run(): void {
    const { source } = this.#options.task;
    for (let piece = source.nextPiece(); piece !== null; piece = source.nextPiece()) {
      this.#piece(piece);
    }
  }

  #piece(piece: SourcePiece): void {
    const { source } = this.#options.task;
    const started = piece.offset === 0 ? this.#start(piece) : this.#goOn(piece);
    if (started === null) return;
    const { lines } = started;
    let { filled, offset } = started;
    for (;;) {
      filled = this.#fill(filled);
      const room = this.table.input;
      const end = filled === 0 ? 0 : room.lastIndexOf(newline, filled - 1) + 1;
      const isLast = this.#isOver || (end === 0 && filled === room.length);
      const stop = end > 0 ? this.#scan(lines, offset, end) : 0;
      if (stop < end) {
        const rest = this.table.input.slice(stop, filled);
        this.#options.odd.read(lines, offset + stop, rest, source);
        return;
      }
      offset += end;
      filled -= end;
      // Views of the input do not outlast a scan.
      this.table.input.copyWithin(0, end, end + filled);
      if (!isLast) continue;
      // The last line, which has no newline, or one that is too long.
      const rest = this.table.input.slice(0, filled);
      if (filled > 0) this.#options.odd.read(lines, offset, rest, source);
      return;
    }
  }

  /** Reads until the input is at least half full: few and long calls of the kernel, since a pipe
   *  gives less at a time. Answers how much is there then. */
  #fill(filled: number): number {
    const { source } = this.#options.task;
    const room = this.table.input;
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
      const head = csv.header ? headLine(piece, file, csv.encoding) : "";
      this.#take(csv, namedRow(csv, file) ?? headerRow(head, csv, file));
    }
    return { lines: piece, offset: piece.offset, filled: 0 };
  }

  /** Those of a file from its start. Null when any other job must read it: its first line is not
   *  whole. */
  #start(piece: SourcePiece): Lines | null {
    const { source } = this.#options.task;
    const file = this.#file(piece);
    const filled = this.#fill(0);
    const room = this.table.input.subarray(0, filled);
    let from = mark.equals(room.subarray(0, mark.length)) ? mark.length : 0;
    if (this.#options.format.format === "json" && mayBeArray(room.subarray(from))) {
      this.#options.odd.read(piece, 0, room.slice(), source);
      return null;
    }
    let { head } = piece;
    const csv = this.#csv;
    if (csv !== null) {
      let row = namedRow(csv, file);
      if (csv.header) {
        from = room.indexOf(newline) + 1;
        if (from === 0 || !this.#isValid(room.subarray(0, from))) {
          this.#options.odd.read(piece, 0, room.slice(), source);
          return null;
        }
        head = room.slice(0, from);
        row ??= headerRow(headLine({ ...piece, head }, file, csv.encoding), csv, file);
      }
      assert(row !== null, "columns are named by the header or the format");
      this.#take(csv, row);
    }
    room.copyWithin(0, from);
    return { lines: { ...piece, head }, offset: from, filled: filled - from };
  }

  /** False where there are bad records for their bytes, wherever these are in a row. */
  #isValid(bytes: Uint8Array): boolean {
    return encodingOf(this.#options.format) !== "utf-8" || isUtf8(bytes);
  }

  #file(piece: SourcePiece): string {
    return (this.#options.task.plan.files[piece.file] as InputFile).name;
  }

  /** Says where in a row the wanted columns are. */
  #take({ separator, multiline: isMultiline }: CsvFormat, row: CsvRow): void {
    const { width, indexes } = row;
    const placeOf = (name: string) => indexes[row.wanted.indexOf(name)] as number;
    const { wanted } = this.#options;
    const columns = wanted.columns.toSorted((a, b) => placeOf(a) - placeOf(b));
    const shape = { separator: separator.charCodeAt(0), width, isMultiline };
    this.table.setCsv(shape, columns.map(placeOf));
    wanted.setFields(this.table, columns);
  }

  /** Answers where it stopped: before `end` where all that follows is to be read as one. */
  #scan(lines: SourcePiece, offset: number, end: number): number {
    if (!this.#isReadable(this.table.input.subarray(0, end))) {
      if (this.#csv?.multiline === true) return 0;
      this.#options.odd.read(lines, offset, this.table.input.slice(0, end), null);
      return end;
    }
    const odd = ([from, to]: Range) => {
      // A copy: reading may need the memory of the kernel.
      const bytes = this.table.input.slice(from, to);
      this.#options.odd.read(lines, offset + from, bytes, null);
    };
    const stop = this.table.scan(end, odd, this.#options.frames);
    this.#options.scanned(this.table);
    return stop;
  }

  #isReadable(bytes: Uint8Array): boolean {
    if (!this.#options.wanted.isPlain) return this.#isValid(bytes);
    // Of plain arrays every byte is looked at alone, which takes twenty times as long.
    const { buffer, byteLength, byteOffset } = bytes;
    return isUtf8(bytes) && !Buffer.from(buffer, byteOffset, byteLength).includes(0);
  }
}

/** What is to be read of a piece: lines from `offset` on, of which `filled` bytes are there. */
type Lines = {
  readonly lines: SourcePiece;
  readonly offset: number;
  readonly filled: number;
};

/** Whether the file may be one array of JSON. */
function mayBeArray(start: Uint8Array): boolean {
  const first = start.findIndex((byte) => byte > 0x20);
  return first === -1 || start[first] === 0x5b;
}
