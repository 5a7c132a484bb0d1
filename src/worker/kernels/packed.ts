/** Short texts as four machine words: 16 bytes or Latin-1 characters, the first in the lowest byte,
 *  zeros behind the last. For ASCII text the tables of words and of keys pack alike. */

export const packedMaxBytes = 16;

/** A hash whose low bits depend on all of the text. */
export function packedHash(a: number, b: number, c: number, d: number): number {
  const inner = Math.imul(b ^ Math.imul(c ^ Math.imul(d, 0xcc9e2d51), 0xc2b2ae35), 0x85ebca6b);
  const mixed = Math.imul(a ^ inner, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}
