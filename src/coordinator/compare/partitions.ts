/** Reads map outputs, of workers and of those that the coordinator keeps. */
import { ClusterError } from "../../core/error.ts";
import type { AttemptRef, Hash, WorkerId } from "../../core/ids.ts";
import { workerSpecs } from "../../core/view.ts";
import { sourceKey, ticketText } from "../../peer/shuffle/ticket.ts";
import type { Manifest } from "../../wire/block/manifest.ts";
import { shuffleTicketMs } from "../edges/worker/orders.ts";
import { manifestOf, verified } from "../relay/verified.ts";
import type { Services } from "../services.ts";

/** Time limit for one partition from a worker, ms. */
const readMs = 300_000;

export type Reading = Pick<Services, "keys" | "loop" | "relay" | "shuffle">;

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
  if (expected === undefined) throw gone(ref.task);
  if (expected.sizeBytes === 0) return;
  const kept = worker === null ? services.relay.get(ref) : null;
  if (worker === null && kept === null) throw gone(ref.task);
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
  if (output === null || output.root !== source.root) throw gone(source.ref.task);
  return output.manifest;
}

async function* fromWorker(
  services: Reading,
  { ref, worker }: Omit<PartitionSource, "partition">,
  part: number | "manifest",
): AsyncGenerator<Uint8Array, void> {
  const { keys, loop, shuffle } = services;
  const holder = worker as WorkerId;
  const address = workerSpecs(loop.state, holder)?.exchangeUrl ?? "";
  if (address === "") throw gone(ref.task);
  const { attempt, job, stage, task } = ref;
  const expiresMs = Math.ceil(loop.steadyMs()) + shuffleTicketMs;
  const scope = { job, stage, requester: "coordinator", expiresMs };
  const ticket = ticketText(sourceKey(keys.exchangeSecret(job), holder), scope);
  const options = { limitMs: readMs, signal: AbortSignal.timeout(readMs) };
  const from = { address, ticket, job, stage };
  try {
    for await (const chunk of shuffle.read(from, { task, attempt, part }, options)) {
      // Copied: the sender may hold several at once.
      yield Uint8Array.from(chunk);
    }
  } catch (cause) {
    throw new ClusterError("download-failed", `the output of map task ${ref.task}: ${cause}`, {
      cause,
    });
  }
}

function gone(task: number): ClusterError {
  return new ClusterError("not-found", `the output of map task ${task} is no longer here`);
}
