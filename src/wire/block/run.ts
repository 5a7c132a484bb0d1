/** A run: entries (key, value) in key order, as bytes that are written and read as a stream.
 *
 *  The layout is drawn in docs/protocols/block.md: a magic number, blocks of about 64 KiB each with
 *  its length and CRC-32, and a trailer that counts. Of each key a block holds only what differs
 *  from the key before it. One key with several values has one entry for each, in the order in
 *  which they were emitted. */
import { Arena, Cursor, damaged } from "./arena.ts";
import { keyMaxBytes } from "./key.ts";
import { valueMaxBytes } from "./value.ts";

/** "TQR" and the version. */
const magic = Uint8Array.of(0x54, 0x51, 0x52, 0x01);
const blockHeaderBytes = 8;
const trailerBytes = 20;
/** A block is closed once it has this many bytes. */
const blockTargetBytes = 64 * 1024;
/** Largest block: almost the target, and one more entry of the largest kind. */
export const blockMaxBytes = blockTargetBytes + keyMaxBytes + valueMaxBytes + 32;
/** A run without entries has no bytes at all; any other has at least this many. */
export const runMinBytes = magic.length + blockHeaderBytes + 4 + trailerBytes;

export type Checksum = (bytes: Uint8Array) => number;

export class RunWriter {
  entries = 0;
  sizeBytes = 0;
  readonly #sink: (bytes: Uint8Array) => void;
  readonly #checksum: Checksum;
  readonly #block = new Arena(blockTargetBytes + 4096);
  #keys: Uint8Array = new Uint8Array(0);
  #keyStart = 0;
  #keyEnd = 0;
  #lastKey = new Uint8Array(256);
  #lastLength = 0;
  #largest = 0;

  /** `sink` must use the bytes before it returns: they are overwritten. */
  constructor(sink: (bytes: Uint8Array) => void, checksum: Checksum) {
    this.#sink = sink;
    this.#checksum = checksum;
    this.#block.length = blockHeaderBytes;
  }

  /** The key of the entries that follow: `bytes` [start, end), which must not change until the last
   *  of them is added. */
  key(bytes: Uint8Array, start: number, end: number): void {
    this.#keys = bytes;
    this.#keyStart = start;
    this.#keyEnd = end;
  }

  /** Adds an entry of the current key: the value is `values` [start, end). */
  value(values: Uint8Array, valueStart: number, valueEnd: number): void {
    const keys = this.#keys;
    const keyStart = this.#keyStart;
    const length = this.#keyEnd - keyStart;
    let last = this.#lastKey;
    if (last.length < length) {
      last = new Uint8Array(length * 2);
      last.set(this.#lastKey);
      this.#lastKey = last;
    }
    const limit = Math.min(length, this.#lastLength);
    let shared = 0;
    while (shared < limit && last[shared] === keys[keyStart + shared]) shared++;
    const block = this.#block;
    block.reserve(24 + length - shared + valueEnd - valueStart);
    block.varint(shared);
    block.varint(length - shared);
    const bytes = block.bytes;
    let at = block.length;
    for (let i = shared; i < length; i++) {
      const byte = keys[keyStart + i] as number;
      last[i] = byte;
      bytes[at++] = byte;
    }
    block.length = at;
    this.#lastLength = length;
    block.varint(valueEnd - valueStart);
    if (valueEnd - valueStart < 32) {
      at = block.length;
      for (let i = valueStart; i < valueEnd; i++) bytes[at++] = values[i] as number;
      block.length = at;
    } else {
      block.append(values.subarray(valueStart, valueEnd));
    }
    this.entries++;
    if (block.length >= blockTargetBytes) this.#flush();
  }

  /** Adds a block whose payload is ready: `entries` entries in the form that this class writes. */
  block(payload: Uint8Array, entries: number): void {
    this.#flush();
    this.#block.append(payload);
    this.entries += entries;
    this.#flush();
  }

  /** Writes the last block and the trailer. Without entries nothing is written. */
  finish(): void {
    if (this.entries === 0) return;
    this.#flush();
    const trailer = new DataView(new ArrayBuffer(trailerBytes));
    trailer.setUint32(4, this.#largest, true);
    trailer.setBigUint64(8, BigInt(this.entries), true);
    trailer.setUint32(16, this.#checksum(new Uint8Array(trailer.buffer, 0, 16)), true);
    this.#emit(new Uint8Array(trailer.buffer));
  }

  #flush(): void {
    const block = this.#block;
    const payloadBytes = block.length - blockHeaderBytes;
    if (payloadBytes === 0) return;
    if (this.sizeBytes === 0) this.#emit(magic);
    this.#largest = Math.max(this.#largest, payloadBytes);
    const whole = block.view();
    const header = new DataView(whole.buffer, whole.byteOffset, blockHeaderBytes);
    header.setUint32(0, payloadBytes, true);
    header.setUint32(4, this.#checksum(whole.subarray(blockHeaderBytes)), true);
    this.#emit(whole);
    block.length = blockHeaderBytes;
    this.#lastLength = 0;
  }

  #emit(bytes: Uint8Array): void {
    this.sizeBytes += bytes.length;
    this.#sink(bytes);
  }
}

/** Fills `into` with the run's bytes from `offset` on, or throws. */
export type ReadRange = (into: Uint8Array, offset: number) => void;

/** Reads a run of `sizeBytes` one block at a time. After `next()` has returned true, the entry is
 *  in `key` [0, keyLength) and `bytes` [valueStart, valueEnd), until `next()` is called again. */
export class RunReader {
  key = new Uint8Array(64);
  keyLength = 0;
  bytes = new Uint8Array(0);
  valueStart = 0;
  valueEnd = 0;
  /** Whether the key equals that of the previous entry. */
  repeated = false;
  /** The count in the trailer. */
  readonly entries: number;
  /** Bytes of the largest block of this run, at most. */
  readonly blockBytes: number;
  readonly #read: ReadRange;
  readonly #checksum: Checksum;
  readonly #endOfBlocks: number;
  #offset: number;
  #nextBytes: number;
  #nextSum: number;
  readonly #cursor = new Cursor(this.bytes);
  #seen = 0;

  constructor(read: ReadRange, sizeBytes: number, checksum: Checksum) {
    this.#read = read;
    this.#checksum = checksum;
    this.#endOfBlocks = sizeBytes - trailerBytes;
    this.#offset = magic.length;
    this.#nextBytes = 0;
    this.#nextSum = 0;
    if (sizeBytes === 0) {
      this.entries = 0;
      this.blockBytes = 0;
      return;
    }
    if (sizeBytes < runMinBytes) throw damaged(`a run of ${sizeBytes} bytes`);
    const head = new Uint8Array(magic.length + blockHeaderBytes);
    read(head, 0);
    if (!magic.every((byte, i) => head[i] === byte))
      throw damaged("this is not the start of a run");
    const trailer = new Uint8Array(trailerBytes);
    read(trailer, this.#endOfBlocks);
    const view = new DataView(trailer.buffer);
    this.blockBytes = view.getUint32(4, true);
    this.entries = Number(view.getBigUint64(8, true));
    const sum = checksum(trailer.subarray(0, 16));
    if (view.getUint32(0, true) !== 0 || view.getUint32(16, true) !== sum) {
      throw damaged("the trailer of a run");
    }
    if (this.blockBytes > blockMaxBytes || this.entries > sizeBytes) {
      throw damaged("the trailer of a run announces too much");
    }
    this.#takeHeader(head, magic.length);
  }

  next(): boolean {
    const cursor = this.#cursor;
    const fresh = cursor.at === cursor.end;
    if (fresh && !this.#nextBlock()) return false;
    const shared = cursor.varint();
    const unshared = cursor.varint();
    if (shared > (fresh ? 0 : this.keyLength))
      throw damaged("a key shares more bytes than the previous key has");
    this.repeated = !fresh && unshared === 0 && shared === this.keyLength;
    const length = shared + unshared;
    const start = cursor.take(unshared);
    if (length > keyMaxBytes) throw damaged("a key is too long");
    if (length > this.key.length) this.#growKey(length);
    const { key, bytes } = this;
    for (let i = 0; i < unshared; i++) key[shared + i] = bytes[start + i] as number;
    this.keyLength = length;
    const valueBytes = cursor.varint();
    this.valueStart = cursor.take(valueBytes);
    this.valueEnd = cursor.at;
    this.#seen++;
    return true;
  }

  /** The next block's payload, valid until the next call; null after the last. Used instead of
   *  `next` by callers that count the entries themselves. */
  payload(): Uint8Array | null {
    if (this.#nextBytes === 0) return null;
    const sizeBytes = this.#nextBytes;
    this.#nextBlock();
    return this.bytes.subarray(0, sizeBytes);
  }

  #growKey(length: number): void {
    const grown = new Uint8Array(length * 2);
    grown.set(this.key);
    this.key = grown;
  }

  /** Reads the next block together with the header after it: one read per block. */
  #nextBlock(): boolean {
    const payloadBytes = this.#nextBytes;
    if (payloadBytes === 0) {
      if (this.#seen !== this.entries)
        throw damaged("a run does not have the entries that it announces");
      return false;
    }
    if (payloadBytes > this.blockBytes || this.#offset + payloadBytes > this.#endOfBlocks) {
      throw damaged("a block is longer than its run");
    }
    if (this.bytes.length < this.blockBytes + blockHeaderBytes) {
      this.bytes = new Uint8Array(this.blockBytes + blockHeaderBytes);
    }
    const whole = this.bytes.subarray(0, payloadBytes + blockHeaderBytes);
    this.#read(whole, this.#offset);
    if (this.#checksum(whole.subarray(0, payloadBytes)) !== this.#nextSum) {
      throw damaged("the checksum of a block does not match");
    }
    this.#offset += payloadBytes;
    this.#takeHeader(whole, payloadBytes);
    const cursor = this.#cursor;
    cursor.bytes = this.bytes;
    cursor.at = 0;
    cursor.end = payloadBytes;
    return true;
  }

  #takeHeader(bytes: Uint8Array, at: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, blockHeaderBytes);
    this.#nextBytes = view.getUint32(0, true);
    this.#nextSum = view.getUint32(4, true);
    if (this.#nextBytes === 0 && this.#offset !== this.#endOfBlocks) {
      throw damaged("a run ends before its end");
    }
    this.#offset += blockHeaderBytes;
  }
}
