/** What an earlier process left of a download, hashed again before it counts: a power loss or the
 *  disk may have changed what the journal says was verified. */
import { hashOf, pieceBytesOf, sameBytes } from "../../wire/p4/merkle.ts";
import type { HashPool } from "../hashing/pool.ts";
import { Bits } from "./bits.ts";

/** Hashed as one unit of work of a thread. */
const partBytes = 32 * 1024 * 1024;
/** Files up to this are hashed on the calling thread. */
const smallBytes = 4 * 1024 * 1024;
const lanes = 4;
const runsMax = 65_536;

type Kept = {
  readonly descriptor: number;
  readonly sizeBytes: number;
  /** The hashes that the pieces must have. */
  readonly layer: Uint8Array;
  readonly pool: HashPool;
};

/** The pieces whose bytes in the file still have their hashes. */
export async function unchangedPieces(pieces: Bits, kept: Kept): Promise<Bits> {
  const { descriptor, layer, pool, sizeBytes } = kept;
  const pieceBytes = pieceBytesOf(sizeBytes);
  const good = new Bits(pieces.length);
  const parts = partsOf(pieces, Math.max(1, Math.floor(partBytes / pieceBytes)));
  const lane = async () => {
    for (let part = parts.next(); part.done !== true; part = parts.next()) {
      const { count, first } = part.value;
      const position = first * pieceBytes;
      const lengthBytes = Math.min(count * pieceBytes, sizeBytes - position);
      const order = { descriptor, position, lengthBytes, pieceBytes };
      const found = await pool.hash(order, sizeBytes <= smallBytes);
      for (let index = 0; index < count; index++) {
        if (sameBytes(hashOf(found, index), hashOf(layer, first + index))) good.add(first + index);
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return good;
}

function* partsOf(pieces: Bits, countMax: number) {
  for (const { count, first } of pieces.runs(runsMax)) {
    for (let done = 0; done < count; done += countMax) {
      yield { first: first + done, count: Math.min(countMax, count - done) };
    }
  }
}
