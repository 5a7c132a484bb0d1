/** Brings the bytes of a piece into the memory of a kernel, cut where no word is: behind ASCII
 *  separators. */
import { ClusterError } from "../../../core/error.ts";
import type { ByteSource } from "../byte-source.ts";
import { isWordCodePoint } from "../letters.ts";
import { type RecordPosition, recordMaxBytes } from "../lines.ts";

/** Most bytes that a kernel gets at once. What has no separator in so many it does not get: even
 *  half as long again, in small letters, a word in it is not too long for a key. */
const textMaxBytes = 640 * 1024;
const moreBytes = 64 * 1024;
const newline = 10;
const apostrophe = 0x27;
const word = /[\p{L}\p{M}\p{N}]+(?:['’][\p{L}\p{M}\p{N}]+)*/gu;
const separates = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 0x80 && byte !== apostrophe && !isWordCodePoint(byte) ? 1 : 0,
);

export type TextOptions = {
  readonly source: ByteSource;
  readonly position: RecordPosition;
  /** Where the kernel looks for bytes, at least 640 KiB; may be another view each time. */
  readonly input: () => Uint8Array;
  /** Takes the first `end` bytes of the input, the last of which is a separator. `offset` is where
   *  the first of them lies in the file. */
  readonly scan: (end: number, offset: number) => void;
  /** Takes a word of a run that is too long for the kernel, found by the expression. */
  readonly word: (text: string, offset: number) => void;
};

/** Reads the piece that the source is at. */
export function readText(options: TextOptions, startOffset: number): void {
  const { source, input, scan } = options;
  let offset = startOffset;
  let filled = 0;
  for (;;) {
    // One byte stays free for the newline that ends a piece.
    const room = input().subarray(0, textMaxBytes - 1);
    const count = source.read(room, filled);
    const end = afterSeparator(room, filled, filled + count);
    filled += count;
    // Few and long calls of the kernel: a pipe gives less at a time.
    const more = filled < room.length / 2 || (end === 0 && filled < room.length);
    if (count > 0 && more) continue;
    if (count === 0) {
      input()[filled] = newline;
      scan(filled + 1, offset);
      return;
    }
    // What was read before may have one, too.
    const until = end > 0 ? end : afterSeparator(room, 0, filled);
    if (until === 0) {
      const rest = longRun(options, offset, Buffer.from(room.subarray(0, filled)));
      offset += filled + rest.read - rest.bytes.length;
      filled = rest.bytes.length;
      input().set(rest.bytes);
      continue;
    }
    scan(until, offset);
    input().copyWithin(0, until, filled);
    filled -= until;
    offset += until;
  }
}

/** Behind the last ASCII separator in [from, to), or 0: no word goes past it. */
function afterSeparator(bytes: Uint8Array, from: number, to: number): number {
  for (let at = to - 1; at >= from; at--) {
    if (separates[bytes[at] as number] === 1) return at + 1;
  }
  return 0;
}

type Rest = { readonly read: number; readonly bytes: Buffer };

/** Finds the words of a run that is longer than any reasonable one. `begun` has no separator;
 *  answers how much more was read, and what of it lies behind the separator. */
function longRun(options: TextOptions, offset: number, begun: Buffer): Rest {
  const { source, position } = options;
  const parts = [begun];
  let read = 0;
  for (;;) {
    const more = Buffer.alloc(moreBytes);
    const count = source.read(more, 0);
    const end = afterSeparator(more, 0, count);
    read += count;
    parts.push(more.subarray(0, end === 0 ? count : end));
    if (count === 0 || end > 0) {
      longWords(options, offset, Buffer.concat(parts));
      return { read, bytes: more.subarray(end, count) };
    }
    if (begun.length + read > recordMaxBytes) {
      throw new ClusterError(
        "limit-exceeded",
        `${position.file}:${offset}: no blank in ${recordMaxBytes} bytes; ` +
          "read the file with bytes.file() or cut it beforehand",
      );
    }
  }
}

function longWords(options: TextOptions, offset: number, run: Buffer): void {
  let at = 0;
  for (const [found] of run.toString().matchAll(word)) {
    at = run.indexOf(found, at);
    options.word(found, offset + at);
    at += Buffer.byteLength(found);
  }
}
