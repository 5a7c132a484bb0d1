/** A call to a coordinator, whatever carries it. */
import type { ErrorCode } from "../../core/error.ts";
import type { Hash } from "../../core/ids.ts";

export type TransportOptions = {
  /** Of the coordinator; of several of one cluster, with commas between them: calls go to the one
   *  that leads. */
  readonly url: string;
  readonly token: string;
  /** SHA-256 of the coordinator's certificate, hex; "" or absent without TLS. */
  readonly fingerprint?: string;
  /** Blobs of a coordinator on this machine, read without asking it: verified bytes, or null when
   *  the blob is not there for us. `isLent`: chunks may be overwritten as `lendBlob` says. */
  readonly nearBlob?: (hash: Hash, isLent: boolean) => Promise<AsyncIterable<Uint8Array> | null>;
  /** How long the coordinator may take to begin an answer, in ms; default 30,000. */
  readonly answerMs?: number;
};

export type Call = {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly json?: unknown;
  /** A stream of `sizeBytes`, or bytes. */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Instead of the default of the transport, when its caller has set none. */
  readonly answerMs?: number;
  /** Of `lines`: how long nothing may come, in ms; default: any time. */
  readonly idleMs?: number;
};

/** Largest JSON answer, in bytes. */
export const jsonMaxBytes = 64 * 1024 * 1024;

/** What an answer to HEAD says, which has no body. */
export const headCodes: Readonly<Record<number, ErrorCode>> = {
  401: "unauthenticated",
  403: "forbidden",
  404: "not-found",
};
