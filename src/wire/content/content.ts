/** What a file is by its first bytes: text, text compressed in a way that tasks read, or another
 *  format, which would otherwise be counted as text.
 *
 *  Only files that a job reads as text are checked. Any bytes may be records of one size, and a job
 *  that reads whole files may well know their format. */
import { ClusterError } from "../../core/error.ts";
import { endings, type Format, formats, unpack } from "./formats.ts";

/** Bytes that are inspected, at most; fewer when the file has fewer. */
export const contentStartBytes = 512;
/** Largest window of a zstd frame that is read, in bytes: each task that reads such a file holds
 *  this much. `zstd --long` makes 128 MiB, `--long=31` 2 GiB. */
export const windowMaxBytes = 128 * 1024 * 1024;

/** Appended to the reason why a record cannot be used. */
export const keepHint =
  'badRecords: "keep" sets such records aside, and { keepUpTo: 0.01 } at most 1 % of the lines ' +
  "(of tequio sql: --keep-bad, --keep-bad-up-to 0.01)";

const utf8 = "convert it to UTF-8 first";
const utf32 = { name: "UTF-32 text", remedy: `${utf8} (iconv -f UTF-32 -t UTF-8)` };
const utf16 = { name: "UTF-16 text", remedy: `${utf8} (iconv -f UTF-16 -t UTF-8)` };

export type Content = {
  readonly kind: "plain" | "gzip" | "zstd" | "other";
  /** For "other": its name, and what to do about it. */
  readonly name: string;
  readonly remedy: string;
};

const plain: Content = { kind: "plain", name: "text", remedy: "" };
const gzip: Content = { kind: "gzip", name: "gzip", remedy: unpack("gunzip") };
const zstd: Content = { kind: "zstd", name: "zstd", remedy: unpack("unzstd") };

/** By the first `contentStartBytes` of a file, or all of a shorter one. */
export function contentOf(start: Uint8Array): Content {
  const [a, b, c, d] = start;
  if (a === 0x1f && b === 0x8b && c === 8) return gzip;
  if (b === 0xb5 && a === 0x28 && c === 0x2f && d === 0xfd) return zstdOf(start);
  if (b === 0x2a && c === 0x4d && d === 0x18 && ((a as number) & 0xf0) === 0x50) return zstd;
  if (a === 0xff && b === 0xfe) return other(c === 0 && d === 0 ? utf32 : utf16);
  if (a === 0xfe && b === 0xff) return other(utf16);
  if (a === 0 && b === 0 && c === 0xfe && d === 0xff) return other(utf32);
  const found = known.find((format) => matches(start, format));
  if (found !== undefined) return other(found);
  return isUnmarkedUtf16(start) ? other(utf16) : plain;
}

function other({ name, remedy }: Pick<Content, "name" | "remedy">): Content {
  return { kind: "other", name, remedy };
}

/** The magic of each, read once: of thousands of tiny files this is what looking at them costs. */
const known = formats.map((format) => ({ ...format, bytes: bytesOf(format) }));

/** -1 = any. */
function bytesOf({ magic }: Format): readonly number[] {
  return (magic.match(/../g) ?? []).map((byte) => (byte === ".." ? -1 : Number.parseInt(byte, 16)));
}

function matches(start: Uint8Array, { at = 0, bytes, isBinary }: (typeof known)[number]): boolean {
  if (start[at] !== bytes[0] || start.length < at + bytes.length) return false;
  for (let i = 1; i < bytes.length; i++) {
    if (bytes[i] !== -1 && start[at + i] !== bytes[i]) return false;
  }
  return isBinary !== true || start.some((byte) => byte < 9 || (byte > 13 && byte < 27));
}

/** ASCII letters with a zero byte before or after each. */
function isUnmarkedUtf16(start: Uint8Array): boolean {
  const end = Math.min(64, start.length & ~1);
  if (end < 8) return false;
  const zeros = [0, 0];
  for (let i = 0; i < end; i++) if (start[i] === 0) zeros[i & 1]!++;
  return (zeros[0] === end / 2 && zeros[1] === 0) || (zeros[1] === end / 2 && zeros[0] === 0);
}

/** A frame gives the size of the earlier data that it refers to (RFC 8878, section 3.1.1.1). */
function zstdOf(start: Uint8Array): Content {
  const bytes = windowOf(start);
  if (bytes <= windowMaxBytes) return zstd;
  const name = `zstd with a window of ${Math.ceil(bytes / 1024 ** 2)} MiB`;
  const remedy = `tasks read windows of up to ${windowMaxBytes / 1024 ** 2} MiB: compress it again`;
  return other({ name, remedy: `${remedy} without --long=N, or with N up to 27` });
}

function windowOf(start: Uint8Array): number {
  const descriptor = start[4] ?? 0;
  if ((descriptor & 0x20) === 0) {
    const window = start[5] ?? 0;
    const base = 2 ** (10 + (window >> 3));
    return base + (base / 8) * (window & 7);
  }
  // One segment: the window is the whole content.
  const at = 5 + ([0, 1, 2, 4][descriptor & 3] as number);
  const sizeBytes = 2 ** (descriptor >> 6);
  let size = descriptor >> 6 === 1 ? 256 : 0;
  for (let i = 0; i < sizeBytes; i++) size += (start[at + i] ?? 0) * 256 ** i;
  return size;
}

/** How the bytes of a file that is read as text are compressed. Other formats, and bytes that do
 *  not match the name's ending, are `bad-request`. */
export function compressionIn(file: string, content: Content): "none" | "gzip" | "zstd" {
  if (content.kind === "other") throw refused(file, content.name, content.remedy);
  checkEnding(file);
  if (content.kind !== "plain") return content.kind;
  const ending = /\.(gz|tgz|zst|tzst)$/i.exec(file);
  if (ending === null) return "none";
  const name = /z$/i.test(ending[0]) ? "gzip" : "zstd";
  const text = `${file} is ${name} by its name, but its first bytes are not`;
  throw new ClusterError("bad-request", `${text}: it is damaged, or text under a wrong name`);
}

/** Refuses a task's input that should be text and is not: `start` is that of the file,
 *  decompressed. */
export function checkText(file: string, start: Uint8Array, compression: string): void {
  const content = contentOf(start);
  if (content.kind === "plain") return;
  const isNamed = compression !== "none" || content.kind === "other";
  const inside = compression === "none" ? "" : ` inside ${compression}`;
  const ending = content.kind === "gzip" ? ".gz" : ".zst";
  const remedy = isNamed ? content.remedy : `give it a name that ends with ${ending}`;
  throw refused(file, `${content.name}${inside}`, remedy);
}

/** For files whose bytes are not available: refuses an ending whose format cannot be read. */
export function checkEnding(file: string): void {
  if (!anyEnding.test(file)) return;
  const promised = endings.find(([ending]) => ending.test(file));
  if (promised === undefined) return;
  throw refused(file, `${promised[1]} by its name`, promised[2]);
}

/** Most names have none of the endings, and need not be compared with each. */
const anyEnding = new RegExp(endings.map(([{ source }]) => source).join("|"), "i");

function refused(file: string, what: string, remedy: string): ClusterError {
  return new ClusterError("bad-request", `${file} is ${what}, and is read as text; ${remedy}`);
}
