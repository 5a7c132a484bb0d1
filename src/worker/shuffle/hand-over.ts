/** Gives the coordinator the map outputs that it would miss when this worker has left.
 *
 *  1. The coordinator names them, the dearest first, and verifies each as it arrives; what is not
 *     handed over in time is computed again.
 *  2. One that cannot be handed over, since it is damaged here or too large, does not keep the
 *     others.
 *  3. While the coordinator is away, or its disk is full, it is asked again until the worker
 *     leaves. */
import { ClusterError } from "../../core/error.ts";
import { type AttemptRef, attemptKey } from "../../core/ids.ts";
import type { ExecutorEvents } from "../executor.ts";
import type { CoordinatorBlobs } from "./blobs.ts";
import type { Outputs } from "./outputs.ts";

export type HandOverParts = {
  readonly blobs: Pick<CoordinatorBlobs, "needed" | "relay">;
  readonly outputs: Pick<Outputs, "get">;
  /** Ends early when the worker leaves. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
};

export type HandedOver = {
  /** The coordinator misses nothing of what it knew of. */
  readonly isWhole: boolean;
  readonly outputs: number;
  readonly sizeBytes: number;
};

/** Outputs under way at once: several use a line that loses packets better than one. */
const lanes = 4;
const againMs = 1_000;

/** As `Executor.handOver`. */
export function startHandOver(parts: HandOverParts, { tell }: Pick<ExecutorEvents, "tell">) {
  const stopping = new AbortController();
  handOver(parts, stopping.signal).then(
    (handed) => tell({ kind: "handed-over", ...handed }),
    () => {},
  );
  return () => stopping.abort();
}

/** Rejects when `signal` says that the worker ends. */
export async function handOver(
  { blobs, outputs, wait }: HandOverParts,
  signal: AbortSignal,
): Promise<HandedOver> {
  const tried = new Set<string>();
  const handed = { outputs: 0, sizeBytes: 0 };
  const give = async (ref: AttemptRef): Promise<void> => {
    signal.throwIfAborted();
    const output = outputs.get(ref);
    try {
      if (output !== null) await blobs.relay(output, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ClusterError && error.code === "storage-full") throw error;
      tried.add(attemptKey(ref));
      return;
    }
    tried.add(attemptKey(ref));
    if (output === null) return;
    handed.outputs += 1;
    handed.sizeBytes += output.manifest.sizeBytes;
  };
  for (;;) {
    try {
      const needed = await blobs.needed(signal);
      const left = needed.filter((ref) => !tried.has(attemptKey(ref)));
      if (left.length === 0) return { ...handed, isWhole: needed.length === 0 };
      await inLanes(left, give);
    } catch (error) {
      signal.throwIfAborted();
      // An older coordinator has no such call.
      if (!mayComeLater(error)) return { ...handed, isWhole: false };
      await wait(againMs, signal);
    }
  }
}

function mayComeLater(error: unknown): boolean {
  return error instanceof ClusterError && error.retryable;
}

/** In their order, a bounded number at once; ends all when one fails. */
async function inLanes(
  refs: readonly AttemptRef[],
  give: (ref: AttemptRef) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    try {
      while (next < refs.length) await give(refs[next++] as AttemptRef);
    } catch (error) {
      next = refs.length;
      throw error;
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: lanes }, lane));
  for (const end of ended) if (end.status === "rejected") throw end.reason;
}
