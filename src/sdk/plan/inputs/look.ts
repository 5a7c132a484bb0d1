/** Which of the found files are compressed, by their first bytes; and refuses by name those that a
 *  job would read as text and that are none. Apart from finding them, since only the job's formats
 *  say what is text. */
import { ClusterError } from "../../../core/error.ts";
import type { TableFormat } from "../../../wire/block/plan.ts";
import {
  checkEnding,
  checkText,
  compressionIn,
  contentStartBytes,
} from "../../../wire/content/content.ts";
import { endsLinesWithReturns, isJsonArray, shapeStartBytes } from "../../../wire/content/shape.ts";
import { type FormatSpec, isText } from "../../format.ts";
import { type FoundFile, startOf } from "../found.ts";
import type { Formats } from "../operator.ts";
import type { UnpackStart } from "../places.ts";

/** Of a compressed file so much is read, to see what is inside. Zstd is decompressed block by
 *  block, and a block has up to 128 KiB. */
const packedBytes = { gzip: 4 * 1024, zstd: 132 * 1024 } as const;

/** Bytes stay what they are: nothing is looked at for records of one size and whole files as bytes,
 *  and only the name says that they are compressed. */
export async function lookInto(
  files: readonly FoundFile[],
  formats: Formats,
  unpackStart: UnpackStart,
): Promise<FoundFile[]> {
  const looked: FoundFile[] = [];
  for (const file of files) {
    if (file.sizeBytes === 0 || !isText(formats[file.input])) {
      looked.push(file);
    } else if (file.content === undefined) {
      const table = isJson(formats[file.input]) ? tableNamed(file.name) : null;
      if (table !== null) {
        looked.push({ ...file, compression: table });
        continue;
      }
      checkEnding(file.name);
      looked.push(file);
    } else {
      const table = tableOf(file, formats[file.input]);
      if (table !== null) {
        looked.push({ ...file, compression: table });
        continue;
      }
      const compression = compressionIn(file.name, file.content);
      if (compression !== "none") await checkInside(file, compression, unpackStart);
      looked.push(compression === file.compression ? file : { ...file, compression });
    }
  }
  return looked;
}

async function checkInside(
  { at, name }: FoundFile,
  compression: "gzip" | "zstd",
  unpackStart: UnpackStart,
): Promise<void> {
  let inside: Uint8Array;
  try {
    inside = await unpackStart(startAt(at, packedBytes[compression]), compression);
  } catch {
    // Damaged, or not to be decompressed here: the task that reads it fails with the reason.
    return;
  }
  checkText(name, inside.subarray(0, contentStartBytes), compression);
}

/** Whether a file can be cut where lines end: not when it is one JSON array, or its lines end with
 *  returns alone. */
export function hasCuts({ at, sizeBytes }: FoundFile, format: FormatSpec | undefined): boolean {
  if (at.kind === "shared" || !isText(format)) return true;
  const start = startAt(at, shapeStartBytes);
  if (endsLinesWithReturns((bytes) => start.subarray(0, bytes))) return false;
  return !isJson(format) || !isJsonArray(start, start.length === sizeBytes);
}

/** By its first bytes, where the format reads rows. */
function tableOf({ content }: FoundFile, format: FormatSpec | undefined): TableFormat | null {
  if (!isJson(format)) return null;
  return content?.name === "Parquet" ? "parquet" : content?.name === "Arrow" ? "arrow" : null;
}

/** For files whose bytes are not at hand. */
function tableNamed(name: string): TableFormat | null {
  if (/\.parquet$/i.test(name)) return "parquet";
  return /\.(arrow|feather)$/i.test(name) ? "arrow" : null;
}

/** Whether the rows of tables can be read as what the format reads. */
function isJson(format: FormatSpec | undefined): boolean {
  return format?.format === "json" || format?.format === "ndjson";
}

function startAt(at: FoundFile["at"], most: number): Uint8Array {
  if (at.kind === "path") return startOf(at.path, most);
  if (at.kind === "remote") return at.start.subarray(0, most);
  const bytes = at.kind === "upload" ? at.upload.at : null;
  if (bytes?.kind === "path") return startOf(bytes.path, most);
  if (bytes?.kind === "bytes") return bytes.bytes.subarray(0, most);
  if (bytes?.kind === "content") return bytes.start.subarray(0, most);
  throw new ClusterError("not-found", "its bytes are not here");
}
