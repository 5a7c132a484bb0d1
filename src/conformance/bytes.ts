/** Bytes, and the errors that refuse them, for the checks of logs and blobs. */
import { createHash } from "node:crypto";
import type { ErrorCode } from "../core/error.ts";

/** What an error must have; its class may be another one. */
export function refusal(code: ErrorCode): { readonly name: string; readonly code: ErrorCode } {
  return { name: "ClusterError", code };
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** Bytes in which every position differs from its neighbours. */
export function pattern(sizeBytes: number, start = 1): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  let state = start;
  for (let i = 0; i < sizeBytes; i += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export async function bytesIn(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

export function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
