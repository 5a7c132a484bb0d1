/** Row groups of Parquet files as rows: only the columns that are asked for, and no group in which
 *  by its statistics no row can be that is asked for. */
import type {
  AsyncBuffer,
  ColumnChunk,
  DecodedArray,
  FileMetaData,
  RowGroup,
  SchemaTree,
} from "hyparquet";
import { ClusterError } from "../core/error.ts";
import { groupMaxBytes, type Range, type TableColumn, type TableFile, type Wish } from "./file.ts";
import { type CellColumn, columnsAt, jsonLines, singleText } from "./lines.ts";
import { boundParsers, cellsOf, kindOf, parsers, scaleOf } from "./parquet-cells.ts";
import { type Bounds, mayHold } from "./prune.ts";

const load = () => Promise.all([import("hyparquet"), import("hyparquet-compressors")]);

/** The lines of each row group whose first byte is in the range. */
export async function* parquetGroups(
  file: TableFile,
  range: Range,
  wish: Wish,
): AsyncGenerator<Iterable<string>, void> {
  const [{ parquetSchema }] = await load();
  const metadata = await metadataOf(file);
  const tree = parquetSchema(metadata);
  const names = tree.children.map(({ element }) => element.name);
  const columns = columnsAt(wish.paths, names, file.name);
  let rowEnd = 0;
  for (const group of metadata.row_groups) {
    const rowStart = rowEnd;
    rowEnd += Number(group.num_rows);
    const at = startOf(group.columns[0]);
    if (at < range.start || at >= range.end || rowEnd === rowStart) continue;
    if (wish.test !== null && !mayHold(wish.test, boundsIn(group, tree))) continue;
    checkSize(file, group, columns);
    const rows = { start: rowStart, end: rowEnd };
    const cells = await cellsIn(file, metadata, { tree, columns, rows });
    yield jsonLines(cells, rowEnd - rowStart, wish.paths !== null);
  }
}

/** Where its row groups begin. */
export async function parquetStarts(file: TableFile): Promise<number[]> {
  const { row_groups } = await metadataOf(file);
  return row_groups
    .filter(({ num_rows }) => num_rows > 0n)
    .map(({ columns }) => startOf(columns[0]));
}

export async function parquetColumns(file: TableFile): Promise<TableColumn[]> {
  const [{ parquetSchema }] = await load();
  return parquetSchema(await metadataOf(file)).children.flatMap((child) => columnsOf(child, ""));
}

/** Objects have columns of their own, with dots. */
function columnsOf({ children, element }: SchemaTree, before: string): TableColumn[] {
  const name = before + element.name;
  const isPlain = element.converted_type === undefined && element.logical_type === undefined;
  const isObject = children.length > 0 && isPlain && element.repetition_type !== "REPEATED";
  if (isObject) return children.flatMap((child) => columnsOf(child, `${name}.`));
  const kind = element.repetition_type === "REPEATED" ? "any" : kindOf(element);
  return [{ name, kind }];
}

async function metadataOf(file: TableFile): Promise<FileMetaData> {
  const [{ parquetMetadataAsync }] = await load();
  return parquetMetadataAsync(bufferOf(file), { parsers: boundParsers, geoparquet: false });
}

function bufferOf(file: TableFile): AsyncBuffer {
  const { sizeBytes } = file;
  return {
    byteLength: sizeBytes,
    async slice(start, end = sizeBytes) {
      const bytes = await file.read(Math.max(0, start), Math.min(end, sizeBytes));
      return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
    },
  };
}

type Wanted = {
  readonly tree: SchemaTree;
  readonly columns: readonly string[];
  readonly rows: Range;
};

async function cellsIn(
  file: TableFile,
  metadata: FileMetaData,
  { columns, rows, tree }: Wanted,
): Promise<CellColumn[]> {
  const [{ parquetRead }, { compressors }] = await load();
  const pages = new Map<string, Array<{ readonly rowStart: number; readonly of: DecodedArray }>>();
  await parquetRead({
    file: bufferOf(file),
    metadata: withoutDecimals(metadata, tree),
    columns: [...columns],
    rowStart: rows.start,
    rowEnd: rows.end,
    compressors,
    parsers,
    geoparquet: false,
    // Texts are decoded by `parsers`; other bytes stay what they are.
    utf8: false,
    onChunk({ columnData: of, columnName, rowStart }) {
      const known = pages.get(columnName);
      if (known === undefined) pages.set(columnName, [{ rowStart, of }]);
      else known.push({ rowStart, of });
    },
  });
  return columns.map((name) => {
    const { element } = tree.children.find((child) => child.element.name === name) as SchemaTree;
    const values: unknown[] = [];
    for (const { of, rowStart } of pages.get(name) ?? []) {
      const skipped = Math.max(0, rows.start - rowStart);
      for (let i = skipped; i < of.length; i++) values.push(of[i]);
    }
    if (values.length < rows.end - rows.start) {
      throw new Error(`its column ${JSON.stringify(name)} has fewer cells than the file has rows`);
    }
    return { name, cell: cellsOf(element, values, scaleOf(element)) };
  });
}

/** The library makes doubles of decimals: without their type they come as whole numbers. */
function withoutDecimals(metadata: FileMetaData, tree: SchemaTree): FileMetaData {
  const leaves = tree.children.filter(({ children }) => children.length === 0);
  const decimals = new Set(leaves.map(({ element }) => element).filter((e) => scaleOf(e) !== null));
  const schema = metadata.schema.map((element) => {
    if (!decimals.has(element)) return element;
    const { converted_type: _, logical_type: __, ...rest } = element;
    return rest;
  });
  return { ...metadata, schema };
}

function checkSize(file: TableFile, { columns }: RowGroup, wanted: readonly string[]): void {
  const sizeBytes = columns.reduce((sum, { meta_data }) => {
    const isWanted = wanted.includes(meta_data?.path_in_schema[0] ?? "");
    return isWanted ? sum + Number(meta_data?.total_uncompressed_size ?? 0n) : sum;
  }, 0);
  if (sizeBytes <= groupMaxBytes) return;
  const text = `the columns of a row group of ${file.name} have ${sizeBytes} bytes, and a task`;
  throw new ClusterError(
    "limit-exceeded",
    `${text} holds ${groupMaxBytes}; ask for fewer columns, or write it with smaller row groups`,
  );
}

function startOf(chunk: ColumnChunk | undefined): number {
  const { data_page_offset = 0n, dictionary_page_offset = 0n } = chunk?.meta_data ?? {};
  const isFirst = dictionary_page_offset > 0n && dictionary_page_offset < data_page_offset;
  return Number(isFirst ? dictionary_page_offset : data_page_offset);
}

/** Of numbers, dates and texts, as cells are written. Decimals and times are not compared. */
function boundsIn({ columns }: RowGroup, tree: SchemaTree): Bounds {
  return (name) => {
    const child = tree.children.find(({ element }) => element.name === name);
    const chunk = columns.find(({ meta_data }) => {
      const path = meta_data?.path_in_schema ?? [];
      return path.length === 1 && path[0] === name;
    });
    const { max_value, min_value } = chunk?.meta_data?.statistics ?? {};
    if (child === undefined || scaleOf(child.element) !== null) return null;
    const { converted_type, logical_type, type } = child.element;
    if (typeof min_value === "string" && typeof max_value === "string") {
      const isDate = converted_type === "DATE" || logical_type?.type === "DATE";
      const isText = converted_type === "UTF8" || logical_type?.type === "STRING";
      const isPlain = [min_value, max_value].every((bound) =>
        isDate ? /^\d{4}-/.test(bound) : isText && !bound.includes("\ufffd"),
      );
      return isPlain ? [min_value, max_value] : null;
    }
    if (kindOf(child.element) !== "number") return null;
    const bounds = [min_value, max_value].map((bound) => {
      if (typeof bound === "bigint") return bound;
      if (typeof bound !== "number" || Number.isNaN(bound)) return null;
      return type === "FLOAT" ? Number(singleText(bound)) : bound;
    });
    const [least, most] = bounds as [number | null, number | null];
    return least === null || most === null ? null : [least, most];
  };
}
