/** One HTTP request with every wait bounded, to the pinned certificate where there is one. */
import type { ClientRequest, IncomingMessage } from "node:http";
import { Agent as TlsAgent, request as tlsRequest } from "node:https";
import type { LookupFunction } from "node:net";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ClusterError, isErrorCode } from "../../core/error.ts";
import { type AddressAgents, Agents } from "../../link/http/agents.ts";
import { metStaleConnection } from "../../link/http/stale.ts";
import { Agent, request } from "../../link/node-http.ts";

export type AskOptions = {
  readonly method?: "GET" | "HEAD" | "POST" | "PUT";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Readable;
  /** SHA-256 of the certificate; "" = none pinned. */
  readonly fingerprint?: string;
  /** Longest wait for the head of the answer, and for each next byte, ms. */
  readonly idleMs: number;
  readonly signal?: AbortSignal;
  /** Resolves names in place of the system's, and may refuse them. */
  readonly lookup?: LookupFunction;
  /** What a refusal means. Default: as the coordinator refuses. */
  readonly refusal?: (status: number, body: Buffer) => ClusterError;
};

/** Of the body of a refusal no more is read. */
const refusalBytesMax = 64 * 1024;
const agents = {
  plain: new Agent({ keepAlive: true, maxSockets: 64 }),
  plainOnce: new Agent({ keepAlive: false, maxSockets: 64 }),
  tls: new TlsAgent({ keepAlive: true, maxSockets: 64 }),
  tlsOnce: new TlsAgent({ keepAlive: false, maxSockets: 64 }),
};

/** Of coordinators that this process has had; a handshake for each call would cost more than most
 *  calls on a far line. */
const pinned = new Map<string, Agents>();
const pinnedMax = 16;

function pinnedTo(url: URL, fingerprint: string): AddressAgents {
  let agents = pinned.get(fingerprint);
  if (agents === undefined) {
    agents = new Agents(fingerprint, { maxSockets: 64 });
    pinned.set(fingerprint, agents);
    for (const [oldest, those] of pinned) {
      if (pinned.size <= pinnedMax) break;
      pinned.delete(oldest);
      those.close();
    }
  }
  return agents.of(url.origin);
}

/** Resolves with an answer of status 2xx, its body unread. Throws the refusal as `ClusterError`;
 *  `unavailable` when there is no answer. */
export async function ask(url: URL, options: AskOptions): Promise<IncomingMessage> {
  const response = await send(url, options);
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) return response;
  const body = await readAll(response, refusalBytesMax).catch(() => Buffer.alloc(0));
  throw options.refusal?.(status, body) ?? refusalOf(url, status, body);
}

async function send(url: URL, options: AskOptions, isAgain = false): Promise<IncomingMessage> {
  const { method = "GET", headers = {}, body, idleMs } = options;
  const signal = options.signal ?? new AbortController().signal;
  const secure = url.protocol === "https:";
  let sent: ClientRequest | null = null;
  try {
    const { lookup } = options;
    const asked = { method, headers, signal, ...(lookup === undefined ? {} : { lookup }) };
    // A body can be sent once.
    const isSingle = isAgain || body !== undefined;
    if (secure && options.fingerprint) {
      const { kept, single } = pinnedTo(url, options.fingerprint);
      sent = tlsRequest(url, { ...asked, agent: isSingle ? single : kept });
    } else {
      sent = secure
        ? tlsRequest(url, { ...asked, agent: isSingle ? agents.tlsOnce : agents.tls })
        : request(url, { ...asked, agent: isSingle ? agents.plainOnce : agents.plain });
    }
    return await answerTo(sent, body, idleMs);
  } catch (error) {
    if (error instanceof ClusterError) throw error;
    signal.throwIfAborted();
    if (sent !== null && metStaleConnection(sent, error)) return send(url, options, true);
    const text = `${url.host} cannot be reached: ${(error as Error).message}; it is tried again`;
    throw new ClusterError("unavailable", text, { cause: error });
  }
}

function answerTo(
  sent: ClientRequest,
  body: Readable | undefined,
  idleMs: number,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    sent.setTimeout(idleMs, () => sent.destroy(new Error(`silent for ${idleMs} ms`)));
    sent.once("response", resolve);
    // This listener stays: an error after the answer has begun is reported by the body.
    sent.on("error", reject);
    if (body === undefined) sent.end();
    else pipeline(body, sent).catch(reject);
  });
}

/** The whole body, at most `sizeMaxBytes`, or `limit-exceeded`. */
export async function readAll(response: IncomingMessage, sizeMaxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > sizeMaxBytes) {
      response.destroy();
      throw new ClusterError("limit-exceeded", `an answer has more than ${sizeMaxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function refusalOf(url: URL, status: number, body: Buffer): ClusterError {
  try {
    const told = JSON.parse(body.toString("utf8")) as { code?: unknown; message?: unknown };
    if (isErrorCode(told.code))
      return new ClusterError(told.code, String(told.message).slice(0, 2000));
  } catch {
    // Not from one of ours: the status must do.
  }
  const code = status >= 500 ? "unavailable" : status === 404 ? "not-found" : "protocol-violated";
  return new ClusterError(code, `${url.host} answered HTTP ${status} to ${url.pathname}`);
}
