/** One message of a log in JetStream: a batch of records, where a large one lies, or the sign of a
 *  new writer. Each says where the chain was before it and is after it. */
import { ClusterError } from "../../core/error.ts";
import type { Hash } from "../../core/ids.ts";
import { hashBytes } from "../../store/log/chain.ts";

const kinds = ["batch", "large", "claim"] as const;

export type LogMessage = {
  /** batch: `body` has the records; large: its blob has them; claim: none, a writer begins. */
  readonly kind: (typeof kinds)[number];
  /** Positions of its first and last record; a claim has `first` = `last` + 1. */
  readonly first: number;
  readonly last: number;
  /** Of the record before it, and of its last one. */
  readonly previous: Uint8Array;
  readonly hash: Uint8Array;
  readonly body: Uint8Array;
};

export type StoredMessage = LogMessage & { readonly sequence: number };

const format = 1;
export const headBytes = 2 + 8 + 8 + 2 * hashBytes;

export function encodeMessage({ body, first, hash, kind, last, previous }: LogMessage): Buffer {
  const bytes = Buffer.allocUnsafe(headBytes + body.byteLength);
  bytes.writeUInt8(format, 0);
  bytes.writeUInt8(kinds.indexOf(kind), 1);
  bytes.writeBigUInt64LE(BigInt(first), 2);
  bytes.writeBigUInt64LE(BigInt(last), 10);
  bytes.set(previous, 18);
  bytes.set(hash, 18 + hashBytes);
  bytes.set(body, headBytes);
  return bytes;
}

/** Throws `version-mismatch`, or `storage-failed` for what no version has written. */
export function decodeMessage(data: Uint8Array, sequence: number, log: string): StoredMessage {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const what = `message ${sequence} of ${log}`;
  if (bytes.byteLength > 0 && bytes[0] !== format) {
    const text = `${what} has format ${bytes[0]}, this version reads ${format}`;
    throw new ClusterError("version-mismatch", `${text}; start the version that wrote it`);
  }
  const kind = kinds[bytes[1] ?? kinds.length];
  if (bytes.byteLength < headBytes || kind === undefined) {
    const text = `${what} is damaged: restore the cluster from a backup`;
    throw new ClusterError("storage-failed", text);
  }
  return {
    sequence,
    kind,
    first: Number(bytes.readBigUInt64LE(2)),
    last: Number(bytes.readBigUInt64LE(10)),
    previous: bytes.subarray(18, 18 + hashBytes),
    hash: bytes.subarray(18 + hashBytes, headBytes),
    body: bytes.subarray(headBytes),
  };
}

/** The body of `large`. */
export function encodeLarge(blob: Hash): Uint8Array {
  return Buffer.from(blob, "latin1");
}

/** "" when it is none. */
export function decodeLarge(body: Uint8Array): Hash {
  const text = Buffer.from(body).toString("latin1");
  return /^[0-9a-f]{64}$/.test(text) ? text : "";
}
