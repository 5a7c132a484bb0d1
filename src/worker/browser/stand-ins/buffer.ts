/** `node:buffer` in a tab, as far as kernels use it. */

export function isAscii(bytes: Uint8Array): boolean {
  let bits = 0;
  for (let at = 0; at < bytes.length; at++) bits |= bytes[at] as number;
  return bits < 0x80;
}
