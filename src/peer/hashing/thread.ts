/** A hashing thread: verifies and writes pieces that lie in shared memory, hashes parts of files. */
import { parentPort } from "node:worker_threads";
import { type Batch, type HashOrder, hashPieces, verifyAndWrite } from "./work.ts";

export type Order =
  | ({
      readonly kind: "verify";
      readonly id: number;
      readonly slab: number;
      /** Only the first time that this thread hears of the slab. */
      readonly buffer: SharedArrayBuffer | null;
    } & Omit<Batch, "buffer">)
  | ({ readonly kind: "hash"; readonly id: number } & HashOrder)
  /** The slab is not used any more. */
  | { readonly kind: "drop"; readonly slab: number };

export type Report = {
  readonly id: number;
  readonly bad?: readonly number[];
  readonly layer?: Uint8Array<ArrayBuffer>;
  /** A file that could not be read or written, with the system's code. */
  readonly error?: { readonly message: string; readonly code: string };
};

const slabs = new Map<number, SharedArrayBuffer>();

parentPort?.on("message", (order: Order) => {
  if (order.kind === "drop") slabs.delete(order.slab);
  else parentPort?.postMessage(perform(order));
});

function perform(order: Exclude<Order, { kind: "drop" }>): Report {
  const { id } = order;
  try {
    if (order.kind === "hash") return { id, layer: hashPieces(order) };
    if (order.buffer !== null) slabs.set(order.slab, order.buffer);
    return { id, bad: verifyAndWrite({ ...order, buffer: slabs.get(order.slab)! }) };
  } catch (cause) {
    const { message, code = "" } = cause as NodeJS.ErrnoException;
    return { id, error: { message, code } };
  }
}
