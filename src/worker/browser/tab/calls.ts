/** Calls of the data of tasks (`/t/<ticket>/…`), patient: networks are cut, gateways and
 *  coordinators start again. */
import { ClusterError, isErrorCode } from "../../../core/error.ts";
import { type Digested, undigested, withDigest } from "./digested.ts";

export type Calls = {
  /** Of the gateway. */
  readonly origin: string;
  readonly signal: AbortSignal;
  /** After this a call is given up, ms. */
  readonly patienceMs: number;
  /** Bytes that came or went. */
  readonly moved: (bytes: number, way: "fetched" | "sent") => void;
};

const againFirstMs = 200;
const againMaxMs = 3_000;
/** The cluster answers that it cannot: a ticket that is not known, after the coordinator started
 *  again, until this tab is back; a worker that does not give what it holds. ms. */
const answeredMs = 15_000;
/** Nothing for so long: the connection is dead, ms. */
const stalledMs = 20_000;
/** That limit is set again so often at most, ms. */
const againMs = 1_000;
/** An answer that says it is larger gets its memory as it comes. */
const announcedMaxBytes = 256 * 1024 * 1024;
/** At least so fast, or the connection is dead, bytes a ms. */
const slowest = 20;

/** The bytes as the coordinator sent them; what has changed on the way is fetched again. */
export async function fetchBytes(
  calls: Calls,
  path: string,
  range?: readonly [start: number, end: number],
): Promise<Uint8Array> {
  return (await fetchDigested(calls, path, range)).bytes;
}

/** The same with the digest that they were compared with. */
export async function fetchDigested(
  calls: Calls,
  path: string,
  range?: readonly [start: number, end: number],
): Promise<Digested> {
  const headers: Record<string, string> = {};
  if (range !== undefined) headers.range = `bytes=${range[0]}-${range[1] - 1}`;
  return patiently(calls, path, async (limit) => {
    const url = calls.origin + withDigest(path);
    const answer = await fetch(url, { headers, signal: limit(stalledMs) });
    await check(answer, path);
    const fetched = await undigested(answer, await body(answer, limit));
    const { bytes } = fetched;
    if (range !== undefined && bytes.length !== range[1] - range[0]) {
      const wanted = range[1] - range[0];
      throw new ClusterError("download-failed", `${path}: ${bytes.length} bytes of ${wanted}`);
    }
    calls.moved(bytes.length, "fetched");
    return fetched;
  });
}

export async function putBytes(
  calls: Calls,
  path: string,
  parts: readonly Uint8Array[],
): Promise<unknown> {
  const body = new Blob(parts as Uint8Array<ArrayBuffer>[]);
  return patiently(calls, path, async (limit) => {
    const signal = limit(stalledMs + body.size / slowest);
    const answer = await fetch(calls.origin + path, { method: "PUT", body, signal });
    await check(answer, path);
    calls.moved(body.size, "sent");
    return answer.json();
  });
}

/** Reads until the end, as long as something comes. */
async function body(answer: Response, limit: (ms: number) => AbortSignal): Promise<Uint8Array> {
  if (answer.body === null) return new Uint8Array(0);
  const announced = announcedBytes(answer);
  // Each byte is copied once, where the size is known: of large inputs that is what a tab's
  // controller is busy with.
  let whole = new Uint8Array(announced);
  let size = 0;
  const reader = answer.body.getReader();
  let limitedAtMs = performance.now();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const nowMs = performance.now();
    // A large answer comes in thousands of chunks.
    if (nowMs - limitedAtMs > againMs) {
      limit(stalledMs);
      limitedAtMs = nowMs;
    }
    if (size + value.length > whole.length) whole = grown(whole, size + value.length);
    whole.set(value, size);
    size += value.length;
  }
  if (announced > size) throw new TypeError(`${size} bytes of ${announced}`);
  return size === whole.length ? whole : whole.slice(0, size);
}

/** Bytes that will come; 0 when that is not known, as of a compressed answer, or not to be
 *  believed. */
function announcedBytes({ headers }: Response): number {
  if (headers.has("content-encoding")) return 0;
  const announced = Number(headers.get("content-length") ?? 0);
  return announced > 0 && announced <= announcedMaxBytes ? announced : 0;
}

function grown(bytes: Uint8Array, atLeast: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(atLeast, bytes.length * 2));
  larger.set(bytes);
  return larger;
}

async function check(answer: Response, path: string): Promise<void> {
  if (answer.ok) return;
  const told = (await answer.json().catch(() => ({}))) as { code?: unknown; message?: unknown };
  const code = isErrorCode(told.code) ? told.code : "download-failed";
  const text = typeof told.message === "string" ? told.message : `HTTP ${answer.status}`;
  throw new ClusterError(code, `${path.replace(/^\/t\/[^/]+/, "")}: ${text}`);
}

type Limit = (ms: number) => AbortSignal;

async function patiently<T>(
  { patienceMs, signal }: Calls,
  path: string,
  call: (limit: Limit) => Promise<T>,
): Promise<T> {
  const sinceMs = performance.now();
  for (let waitMs = againFirstMs; ; waitMs = Math.min(againMaxMs, waitMs * 2)) {
    signal.throwIfAborted();
    const stopping = new AbortController();
    const stop = () => stopping.abort(new Error("it has been stopped"));
    let timer: ReturnType<typeof setTimeout> | undefined;
    signal.addEventListener("abort", stop, { once: true });
    try {
      return await call((ms) => {
        clearTimeout(timer);
        timer = setTimeout(() => stopping.abort(new TypeError(`nothing for ${ms} ms`)), ms);
        return stopping.signal;
      });
    } catch (error) {
      signal.throwIfAborted();
      const goneMs = performance.now() - sinceMs;
      if (!isWorthwhile(error, goneMs) || goneMs > patienceMs) throw lasting(error, path);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    }
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

/** Trying again may help. */
function isWorthwhile(error: unknown, goneMs: number): boolean {
  if (!(error instanceof ClusterError)) return true;
  // Sent by a gateway or proxy in front of the coordinator, while the coordinator is unreachable.
  if (error.code === "unavailable") return true;
  return goneMs < answeredMs && (error.code === "not-found" || error.retryable);
}

function lasting(error: unknown, path: string): ClusterError {
  if (error instanceof ClusterError) return error;
  const what = path.replace(/^\/t\/[^/]+/, "");
  return new ClusterError("download-failed", `${what}: ${(error as Error).message}`, {
    cause: error,
  });
}
