/** Record batches of Arrow files (IPC, also called Feather) as rows. The footer of a file says
 *  where its messages are: so batches are read one by one, each as a file of its own with the
 *  dictionaries and a footer. */
import type { RecordBatch, Schema, Vector } from "apache-arrow";
import type { FileBlock, Footer } from "apache-arrow/ipc/metadata/file";
import { ClusterError } from "../core/error.ts";
import { loadOnce } from "../link/load-once.ts";
import { joinedBytes } from "../wire/joined.ts";
import { arrowCells, arrowKind, isObject } from "./arrow-cells.ts";
import { groupMaxBytes, type Range, type TableColumn, type TableFile, type Wish } from "./file.ts";
import { columnsAt, jsonLines } from "./lines.ts";
import { lz4Frame } from "./lz4-frames.ts";

/** apache-arrow is an optional package. */
const load = loadOnce(
  async () => {
    const [arrow, { FileBlock, Footer }, { decompressZstd }] = await Promise.all([
      import("apache-arrow"),
      import("apache-arrow/ipc/metadata/file"),
      import("hyparquet-compressors"),
    ]);
    const { CompressionType, compressionRegistry } = arrow;
    compressionRegistry.set(CompressionType.LZ4_FRAME, { decode: lz4Frame });
    compressionRegistry.set(CompressionType.ZSTD, { decode: (bytes) => decompressZstd(bytes) });
    return { arrow, FileBlock, Footer };
  },
  () => "Arrow files need the package apache-arrow: `npm install apache-arrow@21`",
);

/** Behind "ARROW1" and two zeros. */
const messagesStart = 8;
const tailBytes = 10;
const magic = "ARROW1";

type Block = Pick<FileBlock, "bodyLength" | "metaDataLength" | "offset">;
type Opened = {
  readonly schema: Schema;
  readonly version: Footer["version"];
  readonly batches: readonly Block[];
  readonly dictionaries: readonly Block[];
};

/** The lines of each record batch whose first byte is in the range. */
export async function* arrowGroups(
  file: TableFile,
  range: Range,
  wish: Wish,
): AsyncGenerator<Iterable<string>, void> {
  const opened = await open(file);
  const names = opened.schema.fields.map(({ name }) => name);
  const columns = columnsAt(wish.paths, names, file.name);
  let dictionaries: Uint8Array[] | null = null;
  for (const block of opened.batches) {
    if (block.offset < range.start || block.offset >= range.end) continue;
    checkSize(file, block);
    dictionaries ??= await readAll(file, opened.dictionaries);
    const [message] = await readAll(file, [block]);
    const whole = await fileOf(opened, dictionaries, { block, message: message as Uint8Array });
    const batch = await batchOf(whole);
    if (batch === null || batch.numRows === 0) continue;
    const cells = columns.map((name) => {
      const vector = batch.getChild(name) as Vector;
      return { name, cell: arrowCells(vector) };
    });
    yield jsonLines(cells, batch.numRows, wish.paths !== null);
  }
}

/** Where its record batches begin. */
export async function arrowStarts(file: TableFile): Promise<number[]> {
  return (await open(file)).batches.map(({ offset }) => offset);
}

export async function arrowColumns(file: TableFile): Promise<TableColumn[]> {
  return (await open(file)).schema.fields.flatMap((field) => columnsOf(field, ""));
}

/** Objects have columns of their own, with dots. */
function columnsOf({ name, type }: Schema["fields"][number], before: string): TableColumn[] {
  const path = before + name;
  if (!isObject(type)) return [{ name: path, kind: arrowKind(type) }];
  return type.children.flatMap((child: Schema["fields"][number]) => columnsOf(child, `${path}.`));
}

async function open(file: TableFile): Promise<Opened> {
  const { sizeBytes } = file;
  const { Footer } = await load();
  const tail = await file.read(Math.max(0, sizeBytes - tailBytes), sizeBytes);
  if (tail.length < tailBytes || textOf(tail.subarray(4)) !== magic) {
    throw new Error(
      "it does not end as an Arrow file; a stream of Arrow must be made a file first",
    );
  }
  const footerBytes = viewOf(tail).getInt32(0, true);
  const start = sizeBytes - tailBytes - footerBytes;
  if (footerBytes <= 0 || start < messagesStart) throw new Error("its footer is damaged");
  const footer = Footer.decode(await file.read(start, sizeBytes - tailBytes));
  const blocks = (list: Iterable<Block>) =>
    Array.from(list, ({ bodyLength, metaDataLength, offset }) => {
      const block = { offset, metaDataLength, bodyLength };
      if (offset >= messagesStart && offset + sizeOf(block) <= start) return block;
      throw new Error("its footer is damaged");
    });
  const { schema, version } = footer;
  const batches = blocks(footer.recordBatches());
  return { schema, version, batches, dictionaries: blocks(footer.dictionaryBatches()) };
}

function sizeOf({ bodyLength, metaDataLength }: Block): number {
  return metaDataLength + bodyLength;
}

function readAll(file: TableFile, blocks: readonly Block[]): Promise<Uint8Array[]> {
  return Promise.all(
    blocks.map(async (block) => {
      return (await file.read(block.offset, block.offset + sizeOf(block))).slice();
    }),
  );
}

/** A file of one batch. */
async function fileOf(
  { dictionaries, schema, version }: Opened,
  before: readonly Uint8Array[],
  { block, message }: { readonly block: Block; readonly message: Uint8Array },
): Promise<Uint8Array> {
  const { FileBlock: AnyBlock, Footer: AnyFooter } = await load();
  let at = messagesStart;
  const placed = [...dictionaries, block].map((one) => {
    const here = new AnyBlock(one.metaDataLength, one.bodyLength, at);
    at += sizeOf(one);
    return here;
  });
  const batches = placed.slice(-1);
  const footer = new AnyFooter(schema, version, batches, placed.slice(0, -1));
  const end = AnyFooter.encode(footer);
  const tail = new Uint8Array(4);
  viewOf(tail).setInt32(0, end.length, true);
  const mark = bytesOf(magic);
  return joinedBytes([mark, new Uint8Array(2), ...before, message, end, tail, mark]);
}

async function batchOf(whole: Uint8Array): Promise<RecordBatch | null> {
  const { arrow } = await load();
  for (const batch of arrow.RecordBatchReader.from(whole)) return batch as RecordBatch;
  return null;
}

function checkSize({ name }: TableFile, block: Block): void {
  const sizeBytes = sizeOf(block);
  if (sizeBytes <= groupMaxBytes) return;
  const text = `a record batch of ${name} has ${sizeBytes} bytes, and a task holds`;
  throw new ClusterError("limit-exceeded", `${text} ${groupMaxBytes}; write smaller batches`);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

function textOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
