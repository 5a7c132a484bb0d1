/** What members and files may be called. Names are opaque: they are never turned into paths, so
 *  `..` is only a name; but they are shown, so they hold nothing that steers a terminal. */
import { catalogueLimits } from "../catalogue.ts";

/** UTF-8 bytes of a member's name: it fits into a field of the console's protocol. */
export const memberNameBytesMax = 255;

/** Control characters, line separators, and halves of a surrogate pair. */
const unprintable = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]|\p{Surrogate}/u;

/** Why a member cannot be called so; null when it can. */
export function memberNameProblem(name: string): string | null {
  return textProblem(name, memberNameBytesMax);
}

/** Why a file cannot be called so; null when it can. */
export function fileNameProblem(name: string): string | null {
  return textProblem(name, catalogueLimits.nameBytesMax);
}

/** Of a file: may be empty and have several lines. */
export function descriptionProblem(text: string): string | null {
  if (utf8Bytes(text) <= catalogueLimits.nameBytesMax) return null;
  return `has more than ${catalogueLimits.nameBytesMax} bytes`;
}

function textProblem(text: string, bytesMax: number): string | null {
  if (text === "") return "is empty";
  if (utf8Bytes(text) > bytesMax) return `has more than ${bytesMax} bytes`;
  return unprintable.test(text) ? "has control characters" : null;
}

export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) continue;
    // Each half of a pair counts two of its four bytes.
    bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
  }
  return bytes;
}
