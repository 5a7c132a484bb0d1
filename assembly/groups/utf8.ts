/** Whether bytes are UTF-8 without U+0000: only such become keys as they are. */

export function isPlainText(from: usize, length: u32): bool {
  const end = from + length;
  let at = from;
  for (; at + 16 <= end; at += 16) {
    const bytes = v128.load(at);
    if (v128.any_true(i8x16.eq(bytes, i8x16.splat(0)))) return false;
    if (i8x16.bitmask(bytes) != 0) break;
  }
  while (at < end) {
    const lead = <u32>load<u8>(at);
    if (lead == 0) return false;
    if (lead < 0x80) {
      at++;
      continue;
    }
    const size: usize = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (size == 0 || at + size > end) return false;
    const next = <u32>load<u8>(at, 1);
    // Neither surrogates, nor what has a shorter form, nor what is beyond U+10FFFF.
    const least: u32 = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const most: u32 = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (next < least || next > most) return false;
    for (let i: usize = 2; i < size; i++) {
      if ((load<u8>(at + i) & 0xc0) != 0x80) return false;
    }
    at += size;
  }
  return true;
}
