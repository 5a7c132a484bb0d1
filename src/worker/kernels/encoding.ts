/** Bytes of a text as a string. */
import type { TextEncoding } from "../../wire/block/plan.ts";

/** Why a record is a bad one, and what to do about it. */
export const notUtf8 =
  'its bytes are not UTF-8; give the encoding, as { encoding: "latin1" } or "windows-1252"';

/** What windows-1252 has at 80 to 9F; five are not in use, and stay as they are. */
const extra =
  "\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f" +
  "\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178";

/** Invalid UTF-8 becomes U+FFFD. */
export function decoded(bytes: Buffer, encoding: TextEncoding | undefined): string {
  if (encoding !== "latin1" && encoding !== "windows-1252") return bytes.toString("utf8");
  const text = bytes.toString("latin1");
  if (encoding === "latin1") return text;
  return text.replace(/[\x80-\x9f]/g, (found) => extra.charAt(found.charCodeAt(0) - 0x80));
}
