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
  const kept = worker === null ? services.relay.get(ref) : null;
  if (worker === null && kept === null) throw goneOutput(ref.task);
  const bytes =
    kept === null ? fromWorker(services, source, partition) : services.relay.read(kept, partition);
  yield* verified(bytes, expected);
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
