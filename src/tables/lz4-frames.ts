/** LZ4 frames (lz4_Frame_format.md 1.6.4), which Arrow files have: blocks that may refer to those
 *  before them. Checksums are not verified: Arrow's are never written. */

const magic = 0x184d2204;

/** Zeros that may follow a frame: writers align buffers to up to so many bytes. */
const paddingMax = 63;

/** All that a frame holds. Throws for what is none, or is cut short, or goes on behind its end: a
 *  second frame would be rows that are missing. */
export function lz4Frame(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 7 || view.getUint32(0, true) !== magic) throw broken("it has no LZ4 frame");
  const flags = view.getUint8(4);
  const hasSize = (flags & 0x08) !== 0;
  const hasBlockSums = (flags & 0x10) !== 0;
  const endBytes = (flags & 0x04) === 0 ? 0 : 4;
  let at = 6 + (hasSize ? 8 : 0) + ((flags & 0x01) === 0 ? 0 : 4) + 1;
  let out: Uint8Array = new Uint8Array(hasSize ? 0 : bytes.length * 3);
  let length = 0;
  // A block says how long it is at most.
  const blockMaxBytes = 2 ** (8 + 2 * ((view.getUint8(5) >> 4) & 7));
  for (;;) {
    const head = view.getUint32(at, true);
    at += 4;
    if (head === 0) {
      if (at + endBytes > bytes.length || !isPadding(bytes.subarray(at + endBytes))) {
        throw broken("it is not the end of its buffer");
      }
      return out.subarray(0, length);
    }
    const sizeBytes = head & 0x7fffffff;
    if (at + sizeBytes > bytes.length) throw broken("it ends inside a block");
    if (out.length < length + blockMaxBytes) {
      const grown = new Uint8Array(Math.max(2 * out.length, length + blockMaxBytes));
      grown.set(out.subarray(0, length));
      out = grown;
    }
    const block = bytes.subarray(at, at + sizeBytes);
    if (head >>> 31 === 0) length = unfold(block, out, length);
    else {
      out.set(block, length);
      length += sizeBytes;
    }
    at += sizeBytes + (hasBlockSums ? 4 : 0);
  }
}

function isPadding(bytes: Uint8Array): boolean {
  return bytes.length <= paddingMax && bytes.every((byte) => byte === 0);
}

/** Appends to `out` what a block stands for; answers the new length. */
function unfold(block: Uint8Array, out: Uint8Array, start: number): number {
  let at = 0;
  let to = start;
  const long = (nibble: number): number => {
    let length = nibble;
    for (let more = nibble === 15 ? 255 : 0; more === 255; length += more) more = byteAt(at++);
    return length;
  };
  const byteAt = (index: number): number => {
    const byte = block[index];
    if (byte === undefined) throw broken("it ends inside a sequence");
    return byte;
  };
  while (at < block.length) {
    const token = byteAt(at++);
    const literals = long(token >> 4);
    if (at + literals > block.length || to + literals > out.length) throw broken("it is too long");
    out.set(block.subarray(at, at + literals), to);
    at += literals;
    to += literals;
    if (at === block.length) break;
    const back = byteAt(at) | (byteAt(at + 1) << 8);
    at += 2;
    const count = long(token & 15) + 4;
    if (back === 0 || back > to || to + count > out.length) throw broken("it refers to nothing");
    if (back >= count) out.copyWithin(to, to - back, to - back + count);
    else for (let i = 0; i < count; i++) out[to + i] = out[to + i - back] as number;
    to += count;
  }
  return to;
}

function broken(why: string): Error {
  return new Error(`an LZ4 frame is damaged: ${why}`);
}
