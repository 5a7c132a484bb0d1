/** Reads map outputs, of workers and of those that the coordinator keeps. */
import { ClusterError } from "../../core/error.ts";
import type { AttemptRef, Hash, WorkerId } from "../../core/ids.ts";
import type { Manifest } from "../../wire/block/manifest.ts";
import { manifestOf, verified } from "../relay/verified.ts";
import { goneOutput, type Reading, workerOutput } from "./worker-output.ts";

/** One partition of a map output, and who has it; null = the coordinator keeps it. */
export type PartitionSource = {
  readonly ref: AttemptRef;
  readonly root: Hash;
  readonly worker: WorkerId | null;
  readonly partition: number;
};

/** The bytes of a partition, wherever it lies, verified. */
export async function* partitionBytes(
  services: Reading,
  source: PartitionSource,
): AsyncGenerator<Uint8Array, void> {
  const { partition, ref, worker } = source;
  const manifest = await outputManifest(services, source);
  const expected = manifest.at(partition);
  if (expected === undefined) throw goneOutput(ref.task);
  if (expected.sizeBytes === 0) return;
  if (worker !== null) yield* verified(fromWorker(services, source, partition), expected);
  else yield* verified(fromHere(services, ref, { manifest, partition }), expected);
}

function fromHere(
  { relay, stored }: Reading,
  ref: AttemptRef,
  { manifest, partition }: { readonly manifest: Manifest; readonly partition: number },
): AsyncIterable<Uint8Array> {
  const kept = relay.get(ref);
  if (kept !== null) return relay.read(kept, partition);
  const place = manifest.at(partition);
  if (stored === null || place === undefined) throw goneOutput(ref.task);
  return stored.read(ref, manifest, place);
}

/** Of the object store: the manifest, or the bytes of a partition, not verified. */
export async function* storedOutput(
  services: Reading,
  of: { readonly ref: AttemptRef; readonly root: Hash; readonly part: number | "manifest" },
): AsyncGenerator<Uint8Array, void> {
  const { part, ref, root } = of;
  const { stored } = services;
  if (stored === null) throw goneOutput(ref.task);
  if (part === "manifest") return yield* stored.readManifest(ref);
  const manifest = await manifestOf(stored.readManifest(ref), root);
  const place = manifest.at(part);
  if (place === undefined) throw goneOutput(ref.task);
  if (place.sizeBytes > 0) yield* stored.read(ref, manifest, place);
}

/** Of the whole output. Throws `not-found` when it is no longer there. */
export async function outputManifest(
  services: Reading,
  source: Omit<PartitionSource, "partition">,
): Promise<Manifest> {
  if (source.worker !== null) {
    return manifestOf(fromWorker(services, source, "manifest"), source.root);
  }
  const output = services.relay.get(source.ref);
  if (output === null && services.stored !== null) {
    return manifestOf(services.stored.readManifest(source.ref), source.root);
  }
  if (output === null || output.root !== source.root) throw goneOutput(source.ref.task);
  return output.manifest;
}

async function* fromWorker(
  services: Reading,
  { ref, worker }: Omit<PartitionSource, "partition">,
  part: number | "manifest",
): AsyncGenerator<Uint8Array, void> {
  try {
    yield* workerOutput(services, { ref, holder: worker as WorkerId, part });
  } catch (cause) {
    throw new ClusterError("download-failed", `the output of map task ${ref.task}: ${cause}`, {
      cause,
    });
  }
}
