/** A hashing thread: receives batches and parts of files, returns buffers and hashes. */
import { parentPort } from "node:worker_threads";
import { type Batch, type HashOrder, hashPieces, verifyAndWrite } from "./work.ts";

export type Order =
  | ({ readonly kind: "verify"; readonly id: number } & Batch)
  | ({ readonly kind: "hash"; readonly id: number } & HashOrder);

export type Report = {
  readonly id: number;
  /** Verified: the buffer comes back. */
  readonly buffer?: ArrayBuffer;
  readonly bad?: readonly number[];
  readonly layer?: Uint8Array<ArrayBuffer>;
  /** Set when a file could not be read or written; `code` is the system's. */
  readonly error?: { readonly message: string; readonly code: string };
};

parentPort?.on("message", (order: Order) => {
  const [report, moved] = perform(order);
  parentPort?.postMessage(report, moved);
});

function perform(order: Order): [Report, ArrayBuffer[]] {
  const { id } = order;
  const back = order.kind === "verify" ? { buffer: order.buffer } : {};
  const moved = order.kind === "verify" ? [order.buffer] : [];
  try {
    if (order.kind === "verify") return [{ id, ...back, bad: verifyAndWrite(order) }, moved];
    const layer = hashPieces(order);
    return [{ id, layer }, [layer.buffer]];
  } catch (cause) {
    const { message, code = "" } = cause as NodeJS.ErrnoException;
    return [{ id, ...back, error: { message, code } }, moved];
  }
}
