/** The first line in which two texts differ. They are read side by side, a piece at a time, so they
 *  may have any size. */
import { Buffer } from "node:buffer";
import { type DifferentRecord, recordTextMax } from "../../core/cluster/trust/audit.ts";

type Chunks = AsyncIterable<Uint8Array>;

const newline = 0x0a;
/** Bytes of a line that are kept to be shown: a character has up to four. */
const shownMaxBytes = 4 * recordTextMax;

/** Null = there is none: a newline at the very end makes no difference. */
export async function differingLine(a: Chunks, b: Chunks): Promise<DifferentRecord | null> {
  await using one = new Pieces(a);
  await using other = new Pieces(b);
  let number = 0;
  /** How the current line begins, in both. */
  let start = Buffer.alloc(0);
  for (;;) {
    const [first, second] = [await one.piece(), await other.piece()];
    const length = Math.min(first.length, second.length);
    if (length === 0) {
      if (first.length === second.length) return null;
      const longer = first.length > 0 ? one : other;
      const isLastNewline = start.length > 0 && (await longer.piece())[0] === newline;
      if (!isLastNewline) break;
      longer.skip(1);
      [start, number] = [Buffer.alloc(0), number + 1];
      continue;
    }
    const same = sameBytes(first, second, length);
    const passed = first.subarray(0, same);
    let lineAt = 0;
    for (let at = passed.indexOf(newline); at !== -1; at = passed.indexOf(newline, lineAt)) {
      lineAt = at + 1;
      number++;
    }
    if (lineAt > 0) start = Buffer.alloc(0);
    start = shortened(start, passed.subarray(lineAt));
    one.skip(same);
    other.skip(same);
    if (same < length) break;
  }
  return { number, first: await one.line(start), second: await other.line(start) };
}

function sameBytes(one: Buffer, other: Buffer, length: number): number {
  if (one.compare(other, 0, length, 0, length) === 0) return length;
  let same = 0;
  while (one[same] === other[same]) same++;
  return same;
}

/** Copied, since pieces are overwritten. */
function shortened(start: Buffer, more: Buffer): Buffer<ArrayBuffer> {
  const room = shownMaxBytes - start.length;
  return Buffer.concat(room > 0 ? [start, more.subarray(0, room)] : [start]);
}

/** What is left of a text: the piece that was read last, and the ones behind it. */
class Pieces {
  readonly #from: AsyncIterator<Uint8Array>;
  #piece = Buffer.alloc(0);

  constructor(from: Chunks) {
    this.#from = from[Symbol.asyncIterator]();
  }

  /** Empty at the end; valid until the next one is read. */
  async piece(): Promise<Buffer> {
    while (this.#piece.length === 0) {
      const next = await this.#from.next();
      if (next.done === true) break;
      const { buffer, byteLength, byteOffset } = next.value;
      this.#piece = Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
    }
    return this.#piece;
  }

  skip(bytes: number): void {
    this.#piece = this.#piece.subarray(bytes);
  }

  /** The rest of the line that begins with `start`, as people read it; "" at the end. */
  async line(start: Buffer): Promise<string> {
    let bytes = start;
    while (bytes.length < shownMaxBytes) {
      const piece = await this.piece();
      const end = piece.indexOf(newline);
      bytes = shortened(bytes, end === -1 ? piece : piece.subarray(0, end));
      if (piece.length === 0 || end !== -1) break;
      this.skip(piece.length);
    }
    return bytes.toString("utf8").slice(0, recordTextMax);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#from.return?.();
  }
}
