/** The work of the hashing threads, as plain functions that also run without a thread. */
import { hash } from "node:crypto";
import { readSync, writevSync } from "node:fs";
import { hashBytes } from "../../wire/p4/merkle.ts";
import { zeroHash } from "./sha256.ts";

/** Pieces that lie in one buffer and are adjacent in a file. */
export type Batch = {
  readonly buffer: ArrayBuffer;
  /** Start and length of each piece in the buffer. */
  readonly spans: ReadonlyArray<{ readonly start: number; readonly length: number }>;
  /** Their expected hashes, concatenated. */
  readonly hashes: Uint8Array;
  readonly descriptor: number;
  /** Where the first of them begins in the file. */
  readonly position: number;
};

/** Writes the pieces that have their hashes; returns the indexes of the others. */
export function verifyAndWrite(batch: Batch): number[] {
  const views = batch.spans.map(({ start, length }) => Buffer.from(batch.buffer, start, length));
  const bad: number[] = [];
  views.forEach((view, index) => {
    const expected = batch.hashes.subarray(index * hashBytes, (index + 1) * hashBytes);
    if (hash("sha256", view, "buffer").compare(expected) !== 0) bad.push(index);
  });
  if (bad.length === 0) writeAll(batch.descriptor, views, batch.position);
  else {
    let position = batch.position;
    views.forEach((view, index) => {
      if (!bad.includes(index)) writeAll(batch.descriptor, [view], position);
      position += view.length;
    });
  }
  return bad;
}

function writeAll(descriptor: number, views: readonly Buffer[], at: number): void {
  let rest = [...views];
  let position = at;
  while (rest.length > 0) {
    let written = writevSync(descriptor, rest, position);
    position += written;
    while (rest.length > 0 && written >= rest[0]!.length) written -= rest.shift()!.length;
    if (rest.length > 0) rest = [rest[0]!.subarray(written), ...rest.slice(1)];
  }
}

export type HashOrder = {
  readonly descriptor: number;
  readonly position: number;
  readonly lengthBytes: number;
  readonly pieceBytes: number;
};

let readInto = Buffer.alloc(0);
let zeroPiece = Buffer.alloc(0);

/** The hashes of the pieces in this part of a file; fewer when the file ends before. Holes of
 *  sparse files cost a comparison. */
export function hashPieces(order: HashOrder): Uint8Array<ArrayBuffer> {
  const { descriptor, pieceBytes } = order;
  if (readInto.length < pieceBytes) {
    readInto = Buffer.allocUnsafeSlow(pieceBytes);
    zeroPiece = Buffer.alloc(pieceBytes);
  }
  const layer = new Uint8Array(Math.ceil(order.lengthBytes / pieceBytes) * hashBytes);
  for (let at = 0, to = 0; at < order.lengthBytes; at += pieceBytes, to += hashBytes) {
    const length = Math.min(pieceBytes, order.lengthBytes - at);
    const got = readFully(descriptor, readInto.subarray(0, length), order.position + at);
    if (got < length) return layer.slice(0, to);
    const piece = readInto.subarray(0, length);
    const isZero = piece[0] === 0 && piece.equals(zeroPiece.subarray(0, length));
    layer.set(isZero ? zeroHash(length) : hash("sha256", piece, "buffer"), to);
  }
  return layer;
}

function readFully(descriptor: number, into: Buffer, position: number): number {
  let filled = 0;
  while (filled < into.length) {
    const got = readSync(descriptor, into, filled, into.length - filled, position + filled);
    if (got === 0) break;
    filled += got;
  }
  return filled;
}
