/** The coordinator's HTTP API from a page: JSON, lines as they come, and bytes to save. */
import type { ErrorCode } from "../../core/error.ts";
import type { ApiError } from "../../wire/api/messages.ts";
import { readerToken } from "../shell/session.ts";

/** Longest that a call may take which is answered at once, ms. */
const answerMs = 20_000;

/** A call that failed: `unavailable` when nobody answered. */
export class CallError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

type CallOptions = {
  readonly method?: "GET" | "POST" | "DELETE";
  readonly json?: unknown;
  readonly bytes?: Uint8Array<ArrayBuffer> | string;
  readonly signal?: AbortSignal;
  /** `bytes=0-99`. */
  readonly range?: string;
  /** Null: as long as it takes. Default 20 s. */
  readonly limitMs?: number | null;
};

/** Throws `CallError`; an abort by the caller throws as fetch does. */
export async function open(path: string, options: CallOptions = {}): Promise<Response> {
  const { bytes, json, limitMs = answerMs, method = "GET", range, signal } = options;
  const limit = limitMs === null ? [] : [AbortSignal.timeout(limitMs)];
  const signals = [...limit, ...(signal === undefined ? [] : [signal])];
  const headers: Record<string, string> = { authorization: `Bearer ${readerToken()}` };
  if (json !== undefined) headers["content-type"] = "application/json";
  if (range !== undefined) headers.range = range;
  if (bytes !== undefined) headers["content-type"] = "application/octet-stream";
  const body = json === undefined ? bytes : JSON.stringify(json);
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      headers,
      cache: "no-store",
      signal: AbortSignal.any(signals),
      ...(body === undefined ? {} : { body }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new CallError("unavailable", "the coordinator does not answer");
  }
  if (answer.ok) return answer;
  throw await failureOf(answer);
}

async function failureOf(answer: Response): Promise<CallError> {
  try {
    const { code, message } = (await answer.json()) as ApiError;
    return new CallError(code, message);
  } catch {
    return new CallError("unavailable", `HTTP ${answer.status}`);
  }
}

export async function call<T>(path: string, options: CallOptions = {}): Promise<T> {
  return (await (await open(path, options)).json()) as T;
}

/** Lines of NDJSON as they come. */
export async function* lines<T>(path: string, signal: AbortSignal): AsyncGenerator<T, void> {
  const answer = await open(path, { signal, limitMs: null });
  const reader = (answer.body as ReadableStream<Uint8Array<ArrayBuffer>>)
    .pipeThrough(new TextDecoderStream())
    .getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const parts = (rest + value).split("\n");
      rest = parts.pop() ?? "";
      for (const part of parts) if (part !== "") yield JSON.parse(part) as T;
    }
    if (rest !== "") yield JSON.parse(rest) as T;
  } catch (error) {
    if (signal.aborted || error instanceof CallError) throw error;
    throw new CallError("unavailable", "the coordinator went away");
  } finally {
    await reader.cancel().catch(() => {});
  }
}
