/** Reads bodies of requests, whatever their method, within limits on size, time, and memory for all
 *  of them together. */
import type { IncomingMessage } from "node:http";
import { P4Refusal } from "./call.ts";

export type BodyLimits = {
  /** A body must have arrived within this. */
  readonly bodyTimeoutMs: number;
  /** Bytes of all bodies that are being read; above it calls are answered 503. */
  readonly bodiesMaxBytes: number;
};

type Reading = { readonly limits: BodyLimits; readonly inFlight: { bytes: number } };

export async function readBody(
  request: IncomingMessage,
  maxBytes: number,
  { limits, inFlight }: Reading,
): Promise<Uint8Array> {
  const tooLarge = () => new P4Refusal(413, `Request above ${maxBytes} bytes`);
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  // `destroyOnReturn`: the refusal still has to be sent over this socket.
  const parts = request.iterator({ destroyOnReturn: false });
  const timer = setTimeout(() => request.destroy(), limits.bodyTimeoutMs);
  try {
    for await (const chunk of parts) {
      sizeBytes += chunk.length;
      inFlight.bytes += chunk.length;
      if (sizeBytes > maxBytes) throw tooLarge();
      if (inFlight.bytes > limits.bodiesMaxBytes) {
        throw new P4Refusal(503, "Too much is being sent at once; try again");
      }
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof P4Refusal) throw error;
    // The caller has gone, or was too slow: the answer will not be read.
    throw new P4Refusal(408, "Request ended early");
  } finally {
    clearTimeout(timer);
    inFlight.bytes -= sizeBytes;
  }
  return Buffer.concat(chunks);
}
