/** Which code points words are made of: exactly those that the engine's own expression says, asked
 *  once for each page of 256. */

const wordCharacter = /^[\p{L}\p{M}\p{N}]$/u;
const pageSize = 256;
const codePoints = 0x110000;

const known = new Uint8Array(codePoints / pageSize);
const bits = new Uint8Array(codePoints / 8);

/** Whether it is a letter, a mark or a number. */
export function isWordCodePoint(point: number): boolean {
  const page = point >> 8;
  if (known[page] === 0) learn(page);
  return (((bits[point >> 3] as number) >> (point & 7)) & 1) === 1;
}

function learn(page: number): void {
  const first = page * pageSize;
  for (let point = first; point < first + pageSize; point++) {
    if (wordCharacter.test(String.fromCodePoint(point))) {
      bits[point >> 3] = (bits[point >> 3] as number) | (1 << (point & 7));
    }
  }
  known[page] = 1;
}

/** The word character whose UTF-8 starts at `at`: its bytes, or minus the bytes of any other
 *  character. What is not UTF-8 is skipped byte by byte: U+FFFD is no word character, however many
 *  of them it becomes. `bytes` go on behind what is asked for, by 3 bytes or an ASCII one. */
export function characterAt(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] as number;
  if (lead < 0x80) return isWordCodePoint(lead) ? 1 : -1;
  const second = (bytes[at + 1] as number) ^ 0x80;
  if (lead < 0xc2 || lead > 0xf4 || second > 0x3f) return -1;
  if (lead < 0xe0) return isWordCodePoint(((lead & 0x1f) << 6) | second) ? 2 : -2;
  const third = (bytes[at + 2] as number) ^ 0x80;
  if (third > 0x3f) return -1;
  if (lead < 0xf0) {
    const point = ((lead & 0xf) << 12) | (second << 6) | third;
    if (point < 0x800 || (point >= 0xd800 && point < 0xe000)) return -1;
    return isWordCodePoint(point) ? 3 : -3;
  }
  const fourth = (bytes[at + 3] as number) ^ 0x80;
  const point = ((lead & 7) << 18) | (second << 12) | (third << 6) | fourth;
  if (fourth > 0x3f || point < 0x10000 || point >= codePoints) return -1;
  return isWordCodePoint(point) ? 4 : -4;
}
