/** A batch of records as one message of an engine: each with its length and its hash of the chain,
 *  so that a read names the record that is damaged. */
import { chainHash, hashBytes, sameHash } from "../store/log/chain.ts";
import type { LogRecord } from "../store/log/log.ts";
import { checkRecordSize, damagedRecord } from "../store/log/rules.ts";

const headBytes = 4 + hashBytes;
/** Of one append: PostgreSQL gives a row as text of twice its length. */
const batchMaxBytes = 128 << 20;
const recordDefaultBytes = 64 << 20;

/** Where a chain is: the hash of the record at `position`, or of the empty log. */
export type ChainPlace = { readonly position: number; readonly hash: Uint8Array };

/** The records copied, without their hashes, which `sealBatch` adds. `name`: of the log. Throws
 *  `limit-exceeded` for a record, or all together, above the limits. */
export function layOut(
  records: readonly Uint8Array[],
  name: string,
  recordMaxBytes = recordDefaultBytes,
): Buffer {
  let sizeBytes = 0;
  for (const { byteLength } of records) {
    checkRecordSize(`a record for ${name}`, byteLength, ["recordMaxBytes", recordMaxBytes]);
    sizeBytes += byteLength;
  }
  checkRecordSize(`an append to ${name}`, sizeBytes, ["batchMaxBytes", batchMaxBytes]);
  const batch = Buffer.allocUnsafe(sizeBytes + records.length * headBytes);
  let at = 0;
  for (const record of records) {
    batch.writeUInt32LE(record.byteLength, at);
    batch.set(record, at + headBytes);
    at += headBytes + record.byteLength;
  }
  return batch;
}

/** Writes the hashes; returns where the chain ends. */
export function sealBatch(batch: Buffer, from: ChainPlace): ChainPlace {
  let { hash, position } = from;
  for (let at = 0; at < batch.byteLength; ) {
    const end = at + headBytes + batch.readUInt32LE(at);
    position += 1;
    hash = chainHash(position, hash, batch.subarray(at + headBytes, end));
    batch.set(hash, at + 4);
    at = end;
  }
  return { hash, position };
}

/** Its records with their hashes, each verified before it is given; the bytes are views of `batch`.
 *  Throws `storage-failed` naming the first damaged one. */
export function* unpackBatch(
  batch: Uint8Array,
  from: ChainPlace,
  name: string,
): Generator<LogRecord & ChainPlace, void> {
  const bytes = Buffer.from(batch.buffer, batch.byteOffset, batch.byteLength);
  let { hash, position } = from;
  for (let at = 0; at < bytes.byteLength; ) {
    position += 1;
    const isCut = bytes.byteLength < at + headBytes;
    const end = isCut ? Infinity : at + headBytes + bytes.readUInt32LE(at);
    if (end > bytes.byteLength) throw damagedRecord(name, position, "is cut off");
    const record = bytes.subarray(at + headBytes, end);
    const next = chainHash(position, hash, record);
    if (!sameHash(next, bytes.subarray(at + 4, at + headBytes))) {
      throw damagedRecord(name, position, "is damaged, or the one before it");
    }
    hash = next;
    at = end;
    yield { position, bytes: record, hash };
  }
}
