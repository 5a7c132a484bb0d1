/** `isAscii` and `isUtf8` of Node in a tab: four bytes at a time, and by the engine's decoder. */

const highBits = 0x80808080 | 0;

export function isAscii(bytes: Uint8Array): boolean {
  const { buffer, byteOffset, length } = bytes;
  // Words lie at multiples of four.
  const first = Math.min(length, -byteOffset & 3);
  const count = (length - first) >> 2;
  const words = new Int32Array(buffer, count === 0 ? 0 : byteOffset + first, count);
  let bits = 0;
  for (let at = 0; at < count; at++) bits |= words[at] as number;
  if ((bits & highBits) !== 0) return false;
  for (let at = 0; at < first; at++) bits |= bytes[at] as number;
  for (let at = first + count * 4; at < length; at++) bits |= bytes[at] as number;
  return (bits & 0x80) === 0;
}

export function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
