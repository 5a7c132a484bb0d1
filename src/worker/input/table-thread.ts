/** The thread that decodes tables: it reads the file by way of the one that began it, and sends
 *  rows as lines of JSON, at most `aheadMax` texts ahead of their reader. */
import { parentPort, workerData } from "node:worker_threads";
import type { ErrorCode } from "../../core/error.ts";
import { ClusterError } from "../../core/error.ts";
import type { Range, TableFile, Wish } from "../../tables/file.ts";
import { rowGroups } from "../../tables/rows.ts";

export type TableOrder = {
  readonly file: Omit<TableFile, "read">;
  readonly range: Range;
  readonly wish: Wish;
};

export type FromTableThread =
  | { readonly kind: "read"; readonly id: number; readonly start: number; readonly end: number }
  /** The lines that follow are of the next group of rows. */
  | { readonly kind: "group" }
  | { readonly kind: "lines"; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: "end" }
  | { readonly kind: "failed"; readonly code: ErrorCode | null; readonly text: string };

export type ToTableThread =
  | { readonly kind: "bytes"; readonly id: number; readonly bytes: Uint8Array<ArrayBuffer> }
  /** One text of lines has been taken. */
  | { readonly kind: "taken" };

const aheadMax = 4;

const order = workerData as TableOrder;
const reads = new Map<number, (bytes: Uint8Array) => void>();
let ahead = 0;
let taken: (() => void) | null = null;

parentPort?.on("message", (message: ToTableThread) => {
  if (message.kind === "bytes") {
    reads.get(message.id)?.(message.bytes);
    reads.delete(message.id);
    return;
  }
  ahead--;
  taken?.();
});

function say(message: FromTableThread, moved: ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, moved);
}

let lastId = 0;
function read(start: number, end: number): Promise<Uint8Array> {
  const id = ++lastId;
  return new Promise((resolve) => {
    reads.set(id, resolve);
    say({ kind: "read", id, start, end });
  });
}

async function decode(): Promise<void> {
  for await (const lines of rowGroups({ ...order.file, read }, order.range, order.wish)) {
    say({ kind: "group" });
    for (const text of lines) {
      while (ahead >= aheadMax) {
        await new Promise<void>((resolve) => {
          taken = resolve;
        });
      }
      const bytes = Uint8Array.from(Buffer.from(text));
      ahead++;
      say({ kind: "lines", bytes }, [bytes.buffer]);
    }
  }
}

try {
  await decode();
  say({ kind: "end" });
} catch (error) {
  const code = error instanceof ClusterError ? error.code : null;
  const text = error instanceof ClusterError ? error.text : String((error as Error).stack);
  say({ kind: "failed", code, text });
}
parentPort?.close();
