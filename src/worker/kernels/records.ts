/** Records from bytes, for every format: lines, words, whole files, NDJSON, CSV. */
import { assert, ClusterError } from "../../core/error.ts";
import { parseExactJson } from "../../wire/block/decimal.ts";
import type { FormatSpec, TextEncoding } from "../../wire/block/plan.ts";
import type { ByteSource, SourcePiece } from "./byte-source.ts";
import { type CsvFormat, type CsvRow, csvFields, headerRow, namedRow, QuoteJoiner } from "./csv.ts";
import { decoded, notUtf8 } from "./encoding.ts";
import { jsonReader } from "./json-records.ts";
import { LineCutter, type RecordPosition, recordMaxBytes, startOfText } from "./lines.ts";
import { atPaths, matchesOf, pathsOf } from "./paths.ts";
import { WordTable } from "./words/word-table.ts";
import { WordCutter } from "./words.ts";

export type RecordOptions = {
  readonly source: ByteSource;
  /** Is that of the record while `record` or `bad` runs. */
  readonly position: RecordPosition;
  readonly record: (record: unknown) => void;
  /** A record that cannot be parsed: its text, and why. */
  readonly bad: (text: string, problem: string) => void;
  /** `wordsOf` the format. */
  readonly words: WordTable | null;
  /** Called for each element of an array that a file is. */
  readonly element?: () => void;
  /** Bytes of a file, to know whether a piece is all of it; null = each piece is, as of a
   *  compressed one. */
  readonly sizeOf?: (file: number) => number | null;
};

/** Tables of words by the format that reads them: the tasks that a process does for one job have
 *  most words in common. */
const wordTables = new WeakMap<FormatSpec, WordTable>();

/** What keeps the words when the records are words. */
export function wordsOf(format: FormatSpec | undefined): WordTable | null {
  if (format?.format !== "words") return null;
  let words = wordTables.get(format);
  if (words === undefined) {
    words = new WordTable(format.lowercase);
    wordTables.set(format, words);
  }
  return words;
}

/** Reads one piece, which the source is at. */
export type PieceReader = (piece: SourcePiece) => void;

export function pieceReader(format: FormatSpec, options: RecordOptions): PieceReader {
  switch (format.format) {
    case "lines": {
      const { encoding } = format;
      const cutter = new LineCutter({ ...options, visit: options.record, encoding });
      return (piece) => cutter.cut(piece.offset);
    }
    case "words": {
      const { record: visit, words } = options;
      assert(words !== null, "words come with their table");
      const cutter = new WordCutter({ ...options, table: words, visit });
      return (piece) => cutter.cut(piece.offset);
    }
    case "ndjson":
      return jsonReader(options, { parse: JSON.parse, encoding: undefined });
    case "match": {
      const visit = matchesOf(format, options.record);
      const cutter = new LineCutter({ ...options, visit, encoding: format.encoding });
      return (piece) => cutter.cut(piece.offset);
    }
    case "json": {
      const paths = pathsOf(format.paths);
      const record = (value: unknown) => options.record(atPaths(value, paths));
      const { exact = false, encoding } = format;
      const parse = exact ? parseExactJson : JSON.parse;
      return jsonReader({ ...options, record }, { parse, encoding });
    }
    case "records":
      return (piece) => readFixed(format.sizeBytes, piece, options);
    case "file":
      return (piece) => readFile(format.as, piece, options);
    case "csv":
      return csvReader(format, options);
    default:
      throw new ClusterError(
        "bad-request",
        `unknown input format ${JSON.stringify((format as { format: unknown }).format)}`,
      );
  }
}

function readFixed(sizeBytes: number, piece: SourcePiece, options: RecordOptions): void {
  const { source, position, record } = options;
  for (let offset = piece.offset; ; offset += sizeBytes) {
    const bytes = new Uint8Array(sizeBytes);
    let filled = 0;
    for (let count = 1; filled < sizeBytes && count > 0; filled += count) {
      count = source.read(bytes, filled);
    }
    if (filled === 0) return;
    if (filled < sizeBytes) {
      const text = `${position.file} has bytes that are no whole record of ${sizeBytes} bytes`;
      throw new ClusterError("user-error", text, { isFinal: true });
    }
    position.fixedOffset = offset;
    record(bytes);
  }
}

function readFile(as: "text" | "bytes", piece: SourcePiece, options: RecordOptions): void {
  const { source, position } = options;
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  for (;;) {
    const part = Buffer.allocUnsafe(64 * 1024);
    const count = source.read(part, 0);
    if (count === 0) break;
    parts.push(part.subarray(0, count));
    sizeBytes += count;
    if (sizeBytes > recordMaxBytes) {
      throw new ClusterError(
        "limit-exceeded",
        `${position.file} is longer than ${recordMaxBytes} bytes, too long for one record; ` +
          "read it by lines",
      );
    }
  }
  position.fixedOffset = piece.offset;
  const whole = Buffer.concat(parts);
  if (as === "bytes") options.record(new Uint8Array(whole));
  else options.record(whole.toString("utf8", startOfText(whole, piece.offset, whole.length)));
}

/** The header line names the columns; pieces that start behind it get it as their `head`. */
function csvReader(format: CsvFormat, options: RecordOptions): PieceReader {
  const { position } = options;
  const separator = format.separator;
  if (separator.length !== 1 || '"\r\n'.includes(separator)) {
    const shown = JSON.stringify(separator);
    throw new ClusterError("bad-request", `csv: the separator must be one character, not ${shown}`);
  }
  let row: CsvRow | null = null;
  let headerDue = false;
  const header = (line: string) => {
    headerDue = false;
    if (format.columns === null) row = headerRow(line, format, position.file);
  };
  const line = (text: string) => {
    if (headerDue) header(text);
    else if (text !== "") csvLine(text, row, separator, options);
  };
  const joiner = new QuoteJoiner(separator, ({ text, offset, isValid }) => {
    position.fixedOffset = offset;
    if (isValid) line(text);
    else options.bad(text, notUtf8);
  });
  const joining = (isValid: boolean) => (text: string) => {
    position.fixedOffset = -1;
    joiner.add({ text, offset: position.offset, isValid });
    position.fixedOffset = -1;
  };
  const { multiline, encoding } = format;
  const cutter = new LineCutter({
    ...options,
    ...(multiline ? { visit: joining(true), bad: joining(false) } : { visit: line }),
    keepEnds: multiline,
    encoding,
  });
  let head: Uint8Array | null = null;
  return (piece) => {
    headerDue = format.header && piece.offset === 0;
    // Further lines of the same file have the same columns.
    if (head === null || piece.head !== head || headerDue) {
      row = namedRow(format, position.file);
      if (format.header && piece.offset > 0) header(headLine(piece, position.file, encoding));
    }
    head = piece.head;
    cutter.cut(piece.offset);
    joiner.end();
  };
}

/** The header line of a piece that starts behind it. */
export function headLine(
  piece: SourcePiece,
  file: string,
  encoding: TextEncoding | undefined,
): string {
  if (piece.head === null) {
    throw new ClusterError(
      "bad-request",
      `${file}: no header line in its first 16 MiB; use csv({ header: false, columns: […] })`,
    );
  }
  const head = Buffer.from(piece.head);
  const text = decoded(head.subarray(startOfText(head, 0, head.length)), encoding);
  return text.replace(/\r?\n$/, "");
}

function csvLine(
  text: string,
  row: CsvRow | null,
  separator: string,
  { record, bad }: RecordOptions,
): void {
  const fields = csvFields(text, separator);
  if (fields === null) bad(text, "its quotes are not closed or misplaced");
  else if (row === null) record(fields);
  else if (fields.length === row.width) record(row.object(fields));
  else bad(text, `${fields.length} fields where ${row.width} columns are named`);
}
