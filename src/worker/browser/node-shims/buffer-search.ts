/** `indexOf` and `lastIndexOf` of Node's `Buffer`. */
import { bytesOf, encodingOf } from "./buffer-codecs.ts";
import { unknownEncoding, wrongType } from "./buffer-errors.ts";

const intMax = 0x7fff_ffff;

/** `isForward`: the first place at `from` or after it, else the last at `from` or before it. -1 =
 *  there is none. */
export function search(
  bytes: Uint8Array,
  wanted: unknown,
  of: { readonly from: unknown; readonly encoding: unknown; readonly isForward: boolean },
): number {
  const { isForward } = of;
  const [from, encoding] =
    typeof of.from === "string" ? [undefined, of.from] : [of.from, of.encoding];
  const asked = Number(from);
  const start = Number.isNaN(asked)
    ? isForward
      ? 0
      : bytes.length
    : Math.trunc(Math.min(intMax, Math.max(-intMax - 1, asked)));
  if (typeof wanted === "number") {
    return find(bytes, Uint8Array.of(wanted >>> 0), { start, isForward, step: 1 });
  }
  const known = encoding === undefined ? "utf8" : encodingOf(encoding);
  const step = known === "utf16le" ? 2 : 1;
  if (typeof wanted === "string") {
    if (known === null) throw unknownEncoding(encoding);
    return find(bytes, bytesOf(wanted, known), { start, isForward, step });
  }
  if (wanted instanceof Uint8Array) return find(bytes, wanted, { start, isForward, step });
  throw wrongType("value", "one of type number or string or an instance of Buffer", wanted);
}

type Way = { readonly start: number; readonly isForward: boolean; readonly step: number };

function find(bytes: Uint8Array, wanted: Uint8Array, { isForward, start, step }: Way): number {
  const place = placeOf(bytes.length, wanted.length, { start, isForward, step });
  if (wanted.length === 0 || place < 0) return place;
  const last = bytes.length - wanted.length;
  if (last < 0 || (isForward && place > last)) return -1;
  if (step === 2 && (bytes.length < 2 || wanted.length < 2)) return -1;
  const by = isForward ? step : -step;
  const first = step === 2 ? place & ~1 : place;
  for (let at = isForward ? first : Math.min(first, step === 2 ? last & ~1 : last); ; at += by) {
    if (at < 0 || at > last) return -1;
    if (step === 1 && isForward) {
      // The engine's own search for the first byte.
      const found = Uint8Array.prototype.indexOf.call(bytes, wanted[0] as number, at);
      if (found === -1) return -1;
      at = found;
    }
    if (isAt(bytes, wanted, at)) return at;
  }
}

/** Where the search begins; -1 = nowhere. */
function placeOf(length: number, wanted: number, { isForward, start }: Way): number {
  if (start < 0) {
    if (start + length >= 0) return start + length;
    return isForward || wanted === 0 ? 0 : -1;
  }
  if (start + wanted <= length) return start;
  if (wanted === 0) return length;
  return isForward ? -1 : length - 1;
}

function isAt(bytes: Uint8Array, wanted: Uint8Array, at: number): boolean {
  if (at + wanted.length > bytes.length) return false;
  for (let n = 0; n < wanted.length; n++) if (bytes[at + n] !== wanted[n]) return false;
  return true;
}
