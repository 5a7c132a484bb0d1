/** How the text of a file is laid out, by its first bytes: lines that end with returns alone, and
 *  JSON that is one array. Asked by those who cut files into splits and by those who read them, so
 *  that both agree. */
import { TextDecoder } from "../utf8.ts";

/** So many bytes of a file decide; fewer when it has fewer. */
export const shapeStartBytes = 256 * 1024;

const decoder = new TextDecoder();
const newline = 10;
const carriageReturn = 13;

/** Most files have their first newline within these: no more of them is read then. */
const glanceBytes = 512;

/** Lines end with `\r` alone: within the start of the file there is one before the end, and no
 *  newline. `first`: so many of its first bytes, or all when there are fewer. */
export function endsLinesWithReturns(first: (sizeBytes: number) => Uint8Array): boolean {
  if (first(glanceBytes).includes(newline)) return false;
  const start = first(shapeStartBytes);
  const found = start.indexOf(carriageReturn);
  return found !== -1 && found < start.length - 1 && !start.includes(newline);
}

/** The file is one JSON array, whose elements are the records, not a JSON value a line. `isAll`:
 *  the start is the whole file. One line that has an array with anything but objects in it is a
 *  record. */
export function isJsonArray(start: Uint8Array, isAll: boolean): boolean {
  const from = firstCharacter(start, 0);
  if (start[from] !== 0x5b) return false;
  const end = start.indexOf(newline, from);
  if (end === -1 && !isAll) return true;
  // Bytes that are not UTF-8 are the reader's to refuse.
  const line = decoder.decode(start.subarray(from, end === -1 ? start.length : end));
  let first: unknown;
  try {
    first = JSON.parse(line);
  } catch {
    return true;
  }
  if (end !== -1 && (!isAll || firstCharacter(start, end) < start.length)) return false;
  return Array.isArray(first) && first.every(isObject);
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Past a byte order mark and white space. */
function firstCharacter(bytes: Uint8Array, from: number): number {
  let at = from;
  if (at === 0 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) at = 3;
  while (at < bytes.length && isBlank(bytes[at] as number)) at++;
  return at;
}

/** White space of JSON. */
export function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 9 || byte === newline || byte === carriageReturn;
}
