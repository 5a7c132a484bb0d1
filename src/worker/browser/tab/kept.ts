/** Code and plans by their hashes, within a bound: the next task of a job need not fetch them. */
import { ClusterError } from "../../../core/error.ts";
import { Sha256 } from "../node-shims/sha256.ts";

export class KeptBlobs {
  readonly #maxBytes: number;
  /** Oldest use first. */
  readonly #blobs = new Map<string, Promise<Uint8Array>>();
  readonly #sizes = new Map<string, number>();
  #sizeBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The blob of this hash, verified. */
  async get(hash: string, fetchIt: () => Promise<Uint8Array>): Promise<Uint8Array> {
    let found = this.#blobs.get(hash);
    this.#blobs.delete(hash);
    found ??= verified(hash, fetchIt);
    this.#blobs.set(hash, found);
    try {
      const bytes = await found;
      if (!this.#sizes.has(hash)) this.#sizeBytes += bytes.length;
      this.#sizes.set(hash, bytes.length);
      this.#shrink();
      return bytes;
    } catch (error) {
      this.#drop(hash);
      throw error;
    }
  }

  #shrink(): void {
    for (const hash of this.#blobs.keys()) {
      if (this.#sizeBytes <= this.#maxBytes) return;
      this.#drop(hash);
    }
  }

  #drop(hash: string): void {
    this.#blobs.delete(hash);
    this.#sizeBytes -= this.#sizes.get(hash) ?? 0;
    this.#sizes.delete(hash);
  }
}

async function verified(hash: string, fetchIt: () => Promise<Uint8Array>): Promise<Uint8Array> {
  const bytes = await fetchIt();
  const found = new Sha256().update(bytes).digest("hex");
  if (found === hash) return bytes;
  throw new ClusterError("data-lost", `what should have the hash ${hash} has ${found}`);
}
