/** CRC-32 (IEEE 802.3), the portable version; on Node the function of zlib is used instead, which
 *  is ten times as fast. */

const table = new Uint32Array(256);
for (let byte = 0; byte < 256; byte++) {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  table[byte] = rest;
}

/** `before`: the CRC of the bytes before these. */
export function crc32(bytes: Uint8Array, before = 0): number {
  let rest = ~before;
  for (let i = 0; i < bytes.length; i++) {
    rest = (rest >>> 8) ^ (table[(rest ^ (bytes[i] as number)) & 0xff] as number);
  }
  return (rest ^ 0xffffffff) >>> 0;
}
