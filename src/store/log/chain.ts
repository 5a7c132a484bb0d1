/** The hash chain: each record's hash covers its position, the hash before it, and its bytes.
 *
 *  SQLite does not checksum pages; the chain reveals a flipped bit, a lost row or a moved row. */
import { createHash, hash } from "node:crypto";

/** SHA-256, truncated: it protects against damage, not against forgery. */
export const hashBytes = 16;
/** Below this, copying into one buffer is cheaper than a hash object. */
const copyMaxBytes = 8192;

const scratch = Buffer.alloc(8 + hashBytes + copyMaxBytes);

export function chainHash(position: number, previous: Uint8Array, bytes: Uint8Array): Uint8Array {
  scratch.writeBigUInt64LE(BigInt(position), 0);
  scratch.set(previous, 8);
  const headBytes = 8 + hashBytes;
  if (bytes.byteLength <= copyMaxBytes) {
    scratch.set(bytes, headBytes);
    const whole = scratch.subarray(0, headBytes + bytes.byteLength);
    return hash("sha256", whole, "buffer").subarray(0, hashBytes);
  }
  const running = createHash("sha256").update(scratch.subarray(0, headBytes)).update(bytes);
  return running.digest().subarray(0, hashBytes);
}

/** Hash of fields that belong together: protects the snapshot and the head row. */
export function sealOf(parts: ReadonlyArray<Uint8Array | string | number>): Uint8Array {
  const running = createHash("sha256");
  for (const part of parts) {
    const bytes = part instanceof Uint8Array ? part : Buffer.from(String(part));
    running.update(`${bytes.byteLength}:`).update(bytes);
  }
  return running.digest().subarray(0, hashBytes);
}

export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
