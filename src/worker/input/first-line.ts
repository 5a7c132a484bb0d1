/** The first line of a file, which names the columns of CSV: each split behind it needs that line,
 *  over lines on which bytes behind it are not wanted. */
import { joinedBytes } from "../../wire/joined.ts";

/** Bytes [start, end); a chunk is overwritten once the next one is asked for. */
type Read = (start: number, end: number) => AsyncIterable<Uint8Array>;

/** Longest that is looked for, bytes. */
const firstLineMaxBytes = 16 * 1024 * 1024;
/** Read at first; then so many times as much. */
const stepBytes = 16 * 1024;
const growth = 8;
const newline = 10;

/** With its newline, which comes before `end`; null when none is found. */
export async function firstLine(read: Read, end: number): Promise<Uint8Array | null> {
  const limit = Math.min(firstLineMaxBytes, end);
  const parts: Uint8Array[] = [];
  for (let at = 0, to = stepBytes; at < limit; to *= growth) {
    let isWhole = false;
    // To the end of the step, since a call that is broken off costs its connection.
    for await (const chunk of read(at, Math.min(limit, to))) {
      at += chunk.length;
      if (isWhole) continue;
      const found = chunk.indexOf(newline);
      isWhole = found !== -1;
      parts.push(new Uint8Array(isWhole ? chunk.subarray(0, found + 1) : chunk));
    }
    if (isWhole) return joinedBytes(parts);
  }
  return null;
}
