/** Bytes as text, two lower-case hex digits each. */

const pairs = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const mostBytes = 64;
const codes = new Uint8Array(2 * mostBytes);

/** In one piece: a text that is put together pair by pair keeps every pair, some 30 times the bytes
 *  of a hash. */
export function hexOf(bytes: Uint8Array): string {
  const { length } = bytes;
  if (length > mostBytes) return Array.from(bytes, (byte) => pairs[byte] as string).join("");
  for (let at = 0; at < length; at++) {
    const byte = bytes[at] as number;
    codes[2 * at] = digit(byte >> 4);
    codes[2 * at + 1] = digit(byte & 15);
  }
  return String.fromCharCode.apply(null, codes.subarray(0, 2 * length) as unknown as number[]);
}

/** Its inverse; null when the text is no such one. */
export function bytesOfHex(text: string): Uint8Array | null {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) return null;
  const bytes = new Uint8Array(text.length / 2);
  for (let at = 0; at < bytes.length; at++) {
    bytes[at] = Number.parseInt(text.slice(2 * at, 2 * at + 2), 16);
  }
  return bytes;
}

/** The code of a digit. */
function digit(value: number): number {
  return value < 10 ? value + 48 : value + 87;
}
