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
