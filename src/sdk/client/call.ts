/** A call to a coordinator, whatever carries it. */
import { ClusterError, type ErrorCode, isErrorCode } from "../../core/error.ts";
import type { Hash } from "../../core/ids.ts";
import type { Place } from "../../link/http/followed.ts";
import type { ApiError } from "../../wire/api/messages.ts";
import { LineCutter } from "../../wire/line-cutter.ts";

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
  /** Where it is now, asked when a call fails: one that has started again may listen at another
   *  port. Null when that is not known. */
  readonly whereNow?: () => Place | null;
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

/** Lines of an answer as they arrive, without empty ones; the last has its newline, too. Throws
 *  `limit-exceeded` for one that is longer. */
export async function* answerLines(
  { path }: Pick<Call, "path">,
  chunks: AsyncIterable<Uint8Array>,
  lineMaxCharacters: number,
): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  const cutter = new LineCutter();
  for await (const chunk of chunks) {
    for (const line of cutter.add(decoder.decode(chunk, { stream: true }))) {
      if (line !== "") yield line;
    }
    if (cutter.restCharacters <= lineMaxCharacters) continue;
    const text = `a line of ${path} is over ${lineMaxCharacters} characters`;
    throw new ClusterError("limit-exceeded", text);
  }
}

/** What an answer to HEAD says, which has no body. */
const headCodes: Readonly<Record<number, ErrorCode>> = {
  401: "unauthenticated",
  403: "forbidden",
  404: "not-found",
};

export type Refused = {
  readonly call: Call;
  /** Of the coordinator that was asked. */
  readonly url: string;
  readonly status: number;
  readonly body: string;
};

/** What an answer that is a failure says; `leader`: of the coordinator that leads, where it says
 *  so. */
export function failureOf({ body, call, status, url }: Refused): {
  readonly error: ClusterError;
  readonly leader?: string | undefined;
} {
  const { code, leader, message } = apiErrorIn(body);
  if (isErrorCode(code)) return { error: new ClusterError(code, String(message)), leader };
  const text = `${url}${call.path} answered ${status}; is a coordinator there?`;
  // The answer to HEAD has no body that could say more.
  const known = call.method === "HEAD" ? headCodes[status] : undefined;
  const other = status >= 500 ? "unavailable" : "protocol-violated";
  return { error: new ClusterError(known ?? other, text), leader };
}

/** Nothing when it is not from a coordinator. */
function apiErrorIn(body: string): Partial<ApiError> {
  try {
    return (JSON.parse(body) as Partial<ApiError> | null) ?? {};
  } catch {
    return {};
  }
}

/** The JSON of an answer. Throws `protocol-violated`. */
export function jsonOf<T>(text: string, call: Call, url: string): T {
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    const what = `${url}${call.path} did not answer with JSON; is a coordinator there?`;
    throw new ClusterError("protocol-violated", what, { cause });
  }
}
