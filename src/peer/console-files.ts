/** GET_FILE between users of the console, both sides: a whole file in one plain stream, whose
 *  length is the only check. */
import type { Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { ClusterError } from "../core/error.ts";
import type { RefuseClear } from "../link/tcp/clear.ts";
import { dialTcp } from "../link/tcp/dial.ts";
import { finish, type Gatherer, gather } from "../link/tcp/gather.ts";
import { type FileHead, FileHeadReader } from "../wire/console/answers.ts";
import { encodeFileHead, encodeOutcome, encodeRequest } from "../wire/console/codec.ts";
import type { Outcome } from "../wire/console/messages.ts";
import { type Reading, RequestReader } from "../wire/console/session.ts";

/** A published file, opened to be read once. */
export type OpenedFile = {
  readonly sizeBytes: number;
  /** Exactly that many bytes; read at most once. */
  readonly content: AsyncIterable<Uint8Array>;
  /** Called once, whatever was read. */
  close(): Promise<void>;
};

/** Null when the name is not published, or its file is gone. */
export type FileLookup = (name: string) => Promise<OpenedFile | null>;

export type GetFileLimits = {
  /** Time for a whole request, ms. */
  readonly requestMs: number;
  /** Time for the rest of a request that may already be complete, ms. */
  readonly doubtfulMs: number;
  /** Longest silence of the peer in the middle of a file, ms. */
  readonly stallMs: number;
  /** Bytes that must come within each `stallMs`, unless fewer are left. */
  readonly progressMinBytes: number;
};

export const defaultGetFileLimits: GetFileLimits = {
  requestMs: 5_000,
  doubtfulMs: 500,
  stallMs: 30_000,
  progressMinBytes: 4_096,
};

/** How long the peer may take to close once it has everything, ms. */
const closeMs = 2_000;

/** Answers one GET_FILE on a connection whose first bytes were read already, and closes it. The
 *  server must allow half-open connections: some clients close their side before the answer. Never
 *  rejects: failures are reported to the peer as a result code. */
export async function serveGetFile(
  socket: Socket,
  firstBytes: Uint8Array,
  lookup: FileLookup,
  limits: GetFileLimits = defaultGetFileLimits,
): Promise<void> {
  socket.on("error", () => {}).setTimeout(limits.stallMs, () => socket.destroy());
  let file: OpenedFile | null = null;
  try {
    const reading = await readRequest(socket, firstBytes, limits);
    const asked = reading.kind === "request" ? reading.request : null;
    if (asked?.operation !== "GET_FILE") {
      socket.write(encodeOutcome("GET_FILE", "other"));
      return;
    }
    file = await lookup(asked.path);
    if (file === null) socket.write(encodeOutcome("GET_FILE", "no-file"));
    else await send(file, socket);
  } catch {
    // If the file could not be opened nothing has been sent yet. Otherwise the stream is cut short,
    // so that the peer cannot take it for a whole file.
    if (socket.bytesWritten === 0) socket.write(encodeOutcome("GET_FILE", "other"));
    else socket.destroy();
  } finally {
    await file?.close().catch(() => {});
    await finish(socket, closeMs);
  }
}

/** Time limits for the request of an incoming connection. */
export type RequestTimes = Pick<GetFileLimits, "requestMs" | "doubtfulMs">;

/** The request on this connection. `firstBytes` of it have been read already. */
export function readRequest(
  socket: Socket,
  firstBytes: Uint8Array,
  { requestMs, doubtfulMs }: RequestTimes,
  reader = new RequestReader(),
): Promise<Reading> {
  const gatherer: Gatherer<Reading> = {
    push(bytes) {
      const reading = reader.push(bytes);
      if (reading.kind !== "more") return { done: reading };
      return { waitMs: reading.doubtful ? doubtfulMs : requestMs };
    },
    end: () => reader.end(),
  };
  const first = gatherer.push(firstBytes);
  if ("done" in first) return Promise.resolve(first.done);
  return gather(socket, gatherer, first.waitMs);
}

async function send({ sizeBytes, content }: OpenedFile, socket: Socket): Promise<void> {
  let sentBytes = 0;
  async function* whole() {
    yield encodeFileHead(sizeBytes);
    for await (const bytes of content) {
      sentBytes += bytes.length;
      if (sentBytes > sizeBytes) break;
      yield bytes;
    }
  }
  await pipeline(whole, socket, { end: false });
  // The file has changed since it was opened.
  if (sentBytes !== sizeBytes) socket.destroy();
}

export type FetchOptions = Partial<GetFileLimits> & {
  /** Time to reach the peer, and for its first byte, ms. Default 10,000. */
  readonly answerMs?: number;
  readonly signal?: AbortSignal;
  /** Why nothing may be requested there in the clear, or null. Default: users of the console may,
   *  since their protocol has no encryption. */
  readonly refuseClear?: RefuseClear;
};

export type FetchedFile = {
  /** ok · no-file · other. */
  readonly outcome: Outcome;
  /** Null when the peer sends none, as one existing client: then nothing shows that a file which
   *  ends in order is whole. */
  readonly sizeBytes: number | null;
  /** Ends after exactly `sizeBytes`, or where the peer ends; throws `download-failed` else. */
  readonly content: AsyncGenerator<Uint8Array, void>;
  /** Closes the connection, whether or not everything was read; may be called twice. */
  close(): void;
};

/** Requests a file from one user's client. A peer that closes without a byte knows only `GET FILE`,
 *  so that is tried next. Rejects with `unavailable`, `download-failed` or `protocol-violated`. */
export async function fetchConsoleFile(
  address: { readonly host: string; readonly port: number },
  path: string,
  options: FetchOptions = {},
): Promise<FetchedFile> {
  for (const separator of ["_", " "] as const) {
    const request = encodeRequest({ operation: "GET_FILE", path }, { dateTime: null, separator });
    const fetched = await askOnce(address, request, options);
    if (fetched !== null) return fetched;
  }
  const text = `${address.host}:${address.port} closed without an answer; it serves no files`;
  throw new ClusterError("download-failed", text);
}

/** Null when the peer closed without a byte. */
async function askOnce(
  address: { readonly host: string; readonly port: number },
  request: Uint8Array,
  options: FetchOptions,
): Promise<FetchedFile | null> {
  const { answerMs = 10_000, signal } = options;
  const socket = await dialTcp(address, {
    timeoutMs: answerMs,
    ...(signal === undefined ? {} : { signal }),
  });
  const problem = options.refuseClear?.(socket) ?? null;
  if (problem !== null) {
    socket.destroy();
    throw new ClusterError(
      "forbidden",
      `${address.host}:${address.port} is not dialled: ${problem}`,
    );
  }
  const onAbort = () => socket.destroy();
  signal?.addEventListener("abort", onAbort, { once: true });
  socket.once("close", () => signal?.removeEventListener("abort", onAbort));
  socket.write(request);
  try {
    const head = await gather(socket, headGatherer(answerMs), answerMs);
    signal?.throwIfAborted();
    if (head === null) {
      socket.destroy();
      return null;
    }
    if (head instanceof ClusterError) throw head;
    if (head.outcome !== "ok") socket.destroy();
    const { outcome, sizeBytes } = head;
    const limits = { ...defaultGetFileLimits, ...options };
    const close = () => void socket.destroy();
    return { outcome, sizeBytes, content: received(socket, head, limits), close };
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** Resolves with null when no byte came; rejects with a `ClusterError` when what came is no
 *  head. */
function headGatherer(waitMs: number): Gatherer<FileHead | ClusterError | null> {
  const reader = new FileHeadReader();
  let isSilent = true;
  return {
    push(bytes) {
      isSilent = false;
      try {
        const head = reader.push(bytes);
        return head === null ? { waitMs } : { done: head };
      } catch (error) {
        if (error instanceof ClusterError) return { done: error };
        throw error;
      }
    },
    end() {
      if (isSilent) return null;
      return reader.end() ?? new ClusterError("download-failed", "the answer was cut short");
    },
  };
}

async function* received(
  socket: Socket,
  { sizeBytes, rest }: FileHead,
  { stallMs, progressMinBytes }: GetFileLimits,
): AsyncGenerator<Uint8Array, void> {
  let leftBytes = sizeBytes ?? Number.POSITIVE_INFINITY;
  let windowBytes = 0;
  let isSlow = false;
  const watch = setInterval(() => {
    isSlow = windowBytes < progressMinBytes;
    windowBytes = 0;
    if (isSlow) socket.destroy();
  }, stallMs);
  try {
    const first = rest.subarray(0, leftBytes);
    leftBytes -= first.length;
    if (first.length > 0) yield first;
    if (leftBytes === 0) return;
    const wasEnded = socket.readableEnded;
    if (!wasEnded) {
      for await (const bytes of socket as AsyncIterable<Buffer>) {
        const wanted = bytes.subarray(0, leftBytes);
        windowBytes += wanted.length;
        leftBytes -= wanted.length;
        yield wanted;
        if (leftBytes === 0) return;
      }
    }
    if (sizeBytes === null && !isSlow && (wasEnded || socket.readableEnded)) return;
  } catch {
    // Reported below, with how much is missing.
  } finally {
    clearInterval(watch);
    socket.destroy();
  }
  const why = isSlow ? `under ${progressMinBytes} bytes came in ${stallMs} ms` : "the peer closed";
  const missing =
    sizeBytes === null
      ? "the file was cut short"
      : `${leftBytes} of ${sizeBytes} bytes are missing`;
  const text = `${missing} (${why}); try again`;
  throw new ClusterError("download-failed", text);
}
