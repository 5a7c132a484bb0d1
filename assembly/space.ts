/** Memory, handed out from the bottom up: what lasts first, then what is forgotten as a whole. */

const pageBytes: usize = 65536;
const alignment: usize = 64;

let top: usize = (__heap_base + 63) & ~(<usize>63);
let lasting: usize = top;

/** Aligned to 64 bytes. Zeros only in memory that was never used. */
export function allocate(sizeBytes: usize): usize {
  const at = top;
  top = (at + sizeBytes + alignment - 1) & ~(alignment - 1);
  reach(top);
  return at;
}

/** What has been allocated so far lasts. */
export function base(): void {
  lasting = top;
}

/** Forgets what does not last. */
export function reset(): void {
  top = lasting;
}

/** Memory that the next `allocate` may take. */
export function scratch(sizeBytes: usize): usize {
  reach(top + sizeBytes);
  return top;
}

export function usedBytes(): u32 {
  return <u32>(top - lasting);
}

/** 256 bytes more than asked for: a load of 16 bytes at the end of something may reach so far. */
function reach(end: usize): void {
  const needed = (end + 256 + pageBytes - 1) / pageBytes;
  const there = <usize>memory.size();
  if (needed <= there) return;
  // In larger steps, when there is room: each may move all of it.
  if (memory.grow(<i32>(needed - there + (there >> 3))) >= 0) return;
  if (memory.grow(<i32>(needed - there)) < 0) unreachable();
}

/** Copies 16 bytes at a time, and so up to 15 more than asked for: faster than the engine's own
 *  copy,
 *  which is a call, for the few bytes that a word has. */
// @ts-ignore: decorator
@inline
export function copyWord(to: usize, from: usize, length: u32): void {
  v128.store(to, v128.load(from));
  for (let i: u32 = 16; i < length; i += 16) v128.store(to + i, v128.load(from + i));
}

/** Bytes with which both begin, `most` at most. */
export function sharedBytes(a: usize, b: usize, most: u32): u32 {
  let i: u32 = 0;
  while (i + 8 <= most) {
    const difference = load<u64>(a + i) ^ load<u64>(b + i);
    if (difference != 0) return i + (<u32>ctz(difference) >> 3);
    i += 8;
  }
  while (i < most && load<u8>(a + i) == load<u8>(b + i)) i++;
  return i;
}
