/** The coordinator's HTTP API from a page: JSON, streams of lines, and bytes to save. */
import type { ErrorCode } from "../../core/error.ts";
import type { ApiError } from "../../wire/api/messages.ts";
import { LineCutter } from "../../wire/line-cutter.ts";
import { readerToken } from "../shell/session.ts";

/** Time limit of a call without streaming, ms. */
const answerMs = 20_000;

const awayText = "the coordinator does not answer";

/** A failed call: `unavailable` when there was no answer. */
export class CallError extends Error {
  readonly code: ErrorCode;
  /** HTTP status; 0 = there was no answer. */
  readonly status: number;

  constructor(code: ErrorCode, message: string, status = 0) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

type CallOptions = {
  readonly method?: "GET" | "HEAD" | "POST" | "DELETE";
  readonly json?: unknown;
  readonly bytes?: Uint8Array<ArrayBuffer> | string;
  readonly signal?: AbortSignal;
  /** `bytes=0-99`. */
  readonly range?: string;
  /** Time limit, ms; null: none. Default 20 s. */
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
    throw new CallError("unavailable", awayText);
  }
  if (answer.ok) return answer;
  throw failureIn(await answer.text(), answer.status);
}

function failureIn(body: string, status: number): CallError {
  try {
    const { code, message } = JSON.parse(body) as ApiError;
    return new CallError(code, message, status);
  } catch {
    return new CallError("unavailable", `HTTP ${status}`, status);
  }
}

export async function call<T>(path: string, options: CallOptions = {}): Promise<T> {
  return (await (await open(path, options)).json()) as T;
}

/** Longest line, as of `jsonMaxBytes` of other clients. */
const lineMaxCharacters = 64 * 1024 * 1024;

/** Lines of NDJSON as they arrive. */
export async function* lines<T>(path: string, signal: AbortSignal): AsyncGenerator<T, void> {
  const answer = await open(path, { signal, limitMs: null });
  const reader = (answer.body as ReadableStream<Uint8Array<ArrayBuffer>>)
    .pipeThrough(new TextDecoderStream())
    .getReader();
  const cutter = new LineCutter();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      for (const line of cutter.add(value)) if (line !== "") yield JSON.parse(line) as T;
      if (cutter.restCharacters <= lineMaxCharacters) continue;
      throw new CallError("limit-exceeded", `a line is over ${lineMaxCharacters} characters`, 200);
    }
    const rest = cutter.end();
    if (rest !== "") yield JSON.parse(rest) as T;
  } catch (error) {
    if (signal.aborted || error instanceof CallError) throw error;
    throw new CallError("unavailable", "the coordinator went away");
  } finally {
    await reader.cancel().catch(() => {});
  }
}

export async function hasBlob(hash: string, signal: AbortSignal): Promise<boolean> {
  try {
    await open(`/v1/blobs/${hash}`, { method: "HEAD", signal });
    return true;
  } catch (error) {
    // An answer to HEAD has no body with a code.
    if (error instanceof CallError && error.status === 404) return false;
    throw error;
  }
}

type Sent = {
  readonly hash: string;
  readonly content: Blob;
  /** Called with the share that is sent, 0 to 1. */
  readonly told: (done: number) => void;
  readonly signal: AbortSignal;
};

/** Time without progress after which an upload is given up, ms. The coordinator uses the same. */
const stallMs = 30_000;

/** The receiver verifies the blob. It uses XMLHttpRequest, since fetch does not report the progress
 *  of an upload. */
export function sendBlob({ content, hash, signal, told }: Sent): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let timer = 0;
    const moving = () => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), stallMs);
    };
    const abort = () => request.abort();
    const ended = (error: unknown) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      if (error === null) resolve();
      else reject(error);
    };
    request.upload.onprogress = ({ loaded, total }) => {
      moving();
      told(total === 0 ? 1 : loaded / total);
    };
    request.onload = () => {
      const isGood = request.status >= 200 && request.status < 300;
      ended(isGood ? null : failureIn(request.responseText, request.status));
    };
    request.onerror = () => ended(new CallError("unavailable", awayText));
    request.onabort = () =>
      ended(signal.aborted ? signal.reason : new CallError("unavailable", awayText));
    signal.addEventListener("abort", abort);
    request.open("POST", "/v1/blobs");
    request.setRequestHeader("authorization", `Bearer ${readerToken()}`);
    request.setRequestHeader("content-type", "application/octet-stream");
    request.setRequestHeader("x-content-sha256", hash);
    moving();
    request.send(content);
  });
}
