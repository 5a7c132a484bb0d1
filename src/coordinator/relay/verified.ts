/** Verifies partitions that pass through the coordinator against the committed root: browsers
 *  cannot, since they have no manifest. */
import { createHash } from "node:crypto";
import { ClusterError } from "../../core/error.ts";
import type { Hash } from "../../core/ids.ts";
import {
  decodeManifest,
  type Manifest,
  type ManifestPartition,
  manifestMaxBytes,
} from "../../wire/block/manifest.ts";

type Bytes = AsyncIterable<Uint8Array>;

/** The manifest with this root. Throws `data-lost` when the bytes are another. */
export async function manifestOf(bytes: Bytes, root: Hash): Promise<Manifest> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const part of bytes) {
    sizeBytes += part.length;
    if (sizeBytes > manifestMaxBytes) throw new ClusterError("data-lost", "a manifest has no end");
    parts.push(Uint8Array.from(part));
  }
  const whole = Buffer.concat(parts);
  if (createHash("sha256").update(whole).digest("hex") === root) return decodeManifest(whole);
  throw new ClusterError("data-lost", "a manifest is not the committed one");
}

/** The bytes as they arrive; the last of them only when all are verified, so that damage never
 *  gives a complete answer. */
export async function* verified(
  bytes: Bytes,
  { sha256, sizeBytes }: Pick<ManifestPartition, "sha256" | "sizeBytes">,
): AsyncGenerator<Uint8Array, void> {
  const digest = createHash("sha256");
  let held: Uint8Array | null = null;
  let passed = 0;
  for await (const chunk of bytes) {
    if (held !== null) yield held;
    digest.update(chunk);
    passed += chunk.length;
    held = chunk;
  }
  const isSame = passed === sizeBytes && (sizeBytes === 0 || digest.digest("hex") === sha256);
  if (!isSame) throw new ClusterError("data-lost", "a partition is not what its manifest says");
  if (held !== null) yield held;
}
