/** Reads a blob of the coordinator, verified: a large one in ranges, several at once and in order,
 *  a small one as a stream. Both go on where they were when the line is cut. What lies in an object
 *  store is read there, if it is large. */
import { createHash } from "node:crypto";
import { ClusterError } from "../../core/error.ts";
import type { Hash } from "../../core/ids.ts";
import { steadyMs } from "../../environment/steady.ts";
import { type RangeSource, rangesFromBytes, readInRanges } from "../../link/http/range-reader.ts";
import { Patience, type TransferOptions } from "./patience.ts";
import { StoredBlobs, storedFromBytes } from "./stored-blobs.ts";
import type { Call, Transport } from "./transport.ts";

/** Where blobs are read. */
export type BlobSources = { readonly transport: Transport; readonly stored: StoredBlobs };

export function blobSources(transport: Transport): BlobSources {
  return { transport, stored: new StoredBlobs(transport) };
}

export type ReadOptions = TransferOptions & {
  /** When it is known; 0 = it is not. */
  readonly sizeBytes?: number;
};

/** For what has arrived out of order, of each blob. */
const aheadMaxBytes = 16 << 20;
/** How long nothing may come, ms: after it another connection is tried. */
const readAnswerMs = 15_000;

/** The blob's bytes; `data-lost` at the end when they are not what the hash says. */
export async function* readBlob(
  sources: BlobSources,
  hash: Hash,
  options: ReadOptions,
): AsyncGenerator<Uint8Array, void> {
  const seen = createHash("sha256");
  const { sizeBytes = 0 } = options;
  const chunks =
    sizeBytes < rangesFromBytes
      ? inOneStream(sources.transport, hash, options)
      : inRanges(sources, { hash, sizeBytes }, options);
  for await (const chunk of chunks) {
    seen.update(chunk);
    options.onBytes?.(chunk.length);
    yield chunk;
  }
  if (seen.digest("hex") === hash) return;
  const text = `what came for the blob ${hash} are other bytes; get the result again`;
  throw new ClusterError("data-lost", text);
}

async function* inOneStream(
  transport: Transport,
  hash: Hash,
  options: ReadOptions,
): AsyncGenerator<Uint8Array, void> {
  const patience = new Patience(options);
  let doneBytes = 0;
  for (let tries = 0; ; tries++) {
    const headers = doneBytes === 0 ? {} : { headers: { range: `bytes=${doneBytes}-` } };
    try {
      // An answer that is cut off has no reason; when the blob is damaged, the next call has.
      for await (const chunk of transport.bytes({ ...callOf(hash, options), ...headers })) {
        doneBytes += chunk.length;
        tries = 0;
        patience.moved();
        yield chunk;
      }
      return;
    } catch (error) {
      if (doneBytes > 0 && isOutside(error)) return;
      await patience.pause(error, tries);
    }
  }
}

/** The line was cut behind the last byte: there is no more. */
function isOutside(error: unknown): boolean {
  const isRefused = error instanceof ClusterError && error.code === "bad-request";
  return isRefused && error.text.startsWith("range ");
}

function callOf(hash: Hash, { signal }: ReadOptions): Call {
  const call = { method: "GET", path: `/v1/blobs/${hash}`, answerMs: readAnswerMs } as const;
  return signal === undefined ? call : { ...call, signal };
}

function inRanges(
  { stored, transport }: BlobSources,
  { hash, sizeBytes }: { readonly hash: Hash; readonly sizeBytes: number },
  options: ReadOptions,
): AsyncGenerator<Uint8Array, void> {
  const patience = new Patience(options);
  const source: RangeSource = {
    async *read(span, signal) {
      const isLarge = sizeBytes >= storedFromBytes;
      const there = isLarge ? await stored.read(hash, span, signal) : null;
      if (there !== null) return yield* there;
      const headers = { range: `bytes=${span.start}-${span.end - 1}` };
      yield* transport.bytes({ ...callOf(hash, { ...options, signal }), headers });
    },
    moved: () => patience.moved(),
    pause: (error, tries) => patience.pause(error, tries),
    nowMs: steadyMs,
    name: hash,
  };
  const { signal } = options;
  const shared = { ...(signal && { signal }), lanes: transport.lanesDown, aheadMaxBytes };
  return readInRanges(source, { start: 0, end: sizeBytes }, shared);
}
