/** Names that other members gave to their files, to be written to this disk: a name is never used
 *  as a path. It is split, and each part must be harmless on every system; otherwise it is
 *  refused. */
import { utf8Bytes } from "../../core/sharing/names.ts";

/** Limit of most file systems, in UTF-8 bytes. */
const partMaxBytes = 255;
const partsMax = 64;
// Control characters, and the marks that make a name look like another one.
const hidden = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
const device = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?:\.|$)/i;

export type SafeName =
  | { readonly parts: readonly string[] }
  /** Why it cannot be the name of a file here. */
  | { readonly problem: string };

/** The folders and the file that a shared name stands for, below a folder of the receiver. */
export function safeName(name: string): SafeName {
  const parts = name.split("/");
  if (parts.length > partsMax) return { problem: `has more than ${partsMax} folders` };
  for (const part of parts) {
    const problem = partProblem(part);
    if (problem !== null) return { problem };
  }
  return { parts };
}

/** Only the last part: the default name of a single file. */
export function safeLastPart(name: string): SafeName {
  return safeName(name.slice(name.lastIndexOf("/") + 1));
}

function partProblem(part: string): string | null {
  if (part === "") return "is absolute or has an empty part";
  if (part === "." || part === "..") return `has the part ${part}`;
  if (hidden.test(part)) return "has control characters";
  if (part.includes("\\") || /^[a-z]:/i.test(part)) return "is a path of Windows";
  if (/[. ]$/.test(part)) return "has a part that ends with a dot or a blank";
  if (device.test(part)) return "is the name of a device";
  if (utf8Bytes(part) > partMaxBytes) return `has a part of more than ${partMaxBytes} bytes`;
  if (!part.isWellFormed()) return "is no Unicode";
  return null;
}

/** Two names with one key are one file on systems that fold case or compose accents. */
export function twinKey(parts: readonly string[]): string {
  return parts.join("/").normalize("NFKC").toLowerCase();
}
