/** Signed calls to an S3 server, each with time limits, tried again where that is harmless. */
import type { IncomingMessage } from "node:http";
import { Agent as TlsAgent, request as tlsRequest } from "node:https";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { ClusterError, type ErrorCode } from "../../core/error.ts";
import { Agent, request } from "../../link/node-http.ts";
import { presigned, type SignedCall, signed } from "../../remote/signature.ts";
import type { S3Credentials, S3Place } from "./place.ts";

export type S3Call = {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** Below the prefix; "" = the bucket itself. */
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Without `x-amz-…`, which are `amz`: those are signed. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly amz?: SignedCall["amz"];
  readonly body?: S3Body;
};

export type S3Body = {
  readonly sizeBytes: number;
  /** Hex: signed, so that servers that check signatures refuse other bytes. */
  readonly sha256: string;
  /** From the begin, each time that it is called. */
  readonly open: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
};

export type S3Times = {
  /** Longest wait for an answer, and for its next bytes, ms. */
  readonly idleMs: number;
  /** A call is tried again for so long, ms. */
  readonly patienceMs: number;
};

const defaultTimes: S3Times = { idleMs: 30_000, patienceMs: 20_000 };
const textMaxBytes = 16 << 20;
const retryFirstMs = 100;
const retryMaxMs = 2_000;
const emptySha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const codes: Readonly<Record<number, readonly [ErrorCode, string]>> = {
  400: ["bad-request", "refuses the call"],
  401: ["unauthenticated", "refuses the credentials; check AWS_ACCESS_KEY_ID and the secret"],
  403: ["forbidden", "refuses the credentials, or this bucket to them"],
  404: ["not-found", "has no such bucket; create it"],
  507: ["storage-full", "has no room left; free some, then retry"],
};

export class S3Client {
  readonly place: S3Place;
  readonly #credentials: S3Credentials;
  readonly #times: S3Times;
  readonly #agent: Agent;

  constructor(place: S3Place, credentials: S3Credentials, times: Partial<S3Times> = {}) {
    this.place = place;
    this.#credentials = credentials;
    this.#times = { ...defaultTimes, ...times };
    const settings = { keepAlive: true, maxSockets: 64 };
    this.#agent = place.base.startsWith("https:") ? new TlsAgent(settings) : new Agent(settings);
  }

  /** The answer with its body unread, null for 404 of an object. Throws `unavailable`, and what the
   *  server refuses. */
  async open(call: S3Call): Promise<IncomingMessage | null> {
    const untilMs = performance.now() + this.#times.patienceMs;
    for (let waitMs = retryFirstMs; ; waitMs = Math.min(waitMs * 2, retryMaxMs)) {
      try {
        return await this.#once(call);
      } catch (error) {
        const mayRetry = error instanceof ClusterError && error.code === "unavailable";
        if (!mayRetry || performance.now() + waitMs > untilMs) throw error;
      }
      await delay(waitMs);
    }
  }

  /** The whole answer; null for 404 of an object. */
  async text(call: S3Call): Promise<string | null> {
    const answer = await this.open(call);
    return answer === null ? null : (await this.#all(answer)).toString();
  }

  async bytes(call: S3Call): Promise<Buffer | null> {
    const answer = await this.open(call);
    return answer === null ? null : this.#all(answer);
  }

  /** The answer's bytes as they come. Throws `unavailable` when they break off. */
  async *chunks(answer: IncomingMessage): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of answer) yield chunk as Uint8Array;
    } catch (error) {
      throw this.#away(error);
    } finally {
      answer.destroy();
    }
  }

  /** With it a process without credentials makes this one call until then. */
  addressOf(
    key: string,
    call: {
      readonly method: "GET" | "PUT";
      readonly expiresS: number;
      readonly sizeBytes?: number;
    },
  ): string {
    const { base, prefix, region } = this.place;
    const { expiresS, method, sizeBytes } = call;
    const headers = sizeBytes === undefined ? {} : { "content-length": String(sizeBytes) };
    const credentials = { sessionToken: "", ...this.#credentials, region };
    const url = new URL(base + prefix + key);
    return presigned(url, credentials, new Date(), { method, expiresS, headers }).href;
  }

  close(): void {
    this.#agent.destroy();
  }

  async #once(call: S3Call): Promise<IncomingMessage | null> {
    const answer = await this.#send(call);
    const status = answer.statusCode ?? 0;
    if (status >= 200 && status < 300) return answer;
    const text = (await this.#all(answer)).toString();
    if (status === 404 && call.key !== "" && !text.includes("NoSuchBucket")) return null;
    throw this.#refused(status, text);
  }

  async #send(call: S3Call): Promise<IncomingMessage> {
    const { amz = {}, body, headers = {}, key, method, query = {} } = call;
    const { base, prefix, region } = this.place;
    const url = new URL(key === "" ? base : base + prefix + key);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const sha256 = body?.sha256 ?? emptySha256;
    const credentials = { sessionToken: "", ...this.#credentials, region };
    const own = signed(url, credentials, new Date(), { method, sha256, amz });
    const size = body === undefined ? {} : { "content-length": String(body.sizeBytes) };
    const send = url.protocol === "https:" ? tlsRequest : request;
    const sent = send(url, {
      method,
      agent: this.#agent,
      headers: { ...headers, ...own, ...size },
    });
    const { idleMs } = this.#times;
    sent.setTimeout(idleMs, () => sent.destroy(new Error(`silent for ${idleMs} ms`)));
    const { promise, reject, resolve } = Promise.withResolvers<IncomingMessage>();
    sent.once("response", resolve).on("error", reject);
    if (body === undefined) sent.end();
    // A refusal may come before all is sent.
    else pipeline(Readable.from(body.open(), { objectMode: false }), sent).catch(reject);
    return promise.catch((error: unknown) => {
      throw this.#away(error);
    });
  }

  async #all(answer: IncomingMessage): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    let sizeBytes = 0;
    for await (const chunk of this.chunks(answer)) {
      sizeBytes += chunk.byteLength;
      if (sizeBytes > textMaxBytes) {
        throw new ClusterError("protocol-violated", `an answer of ${this.place.name} is too long`);
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  #refused(status: number, text: string): ClusterError {
    const code = /<Code>([^<]{1,80})<\/Code>/.exec(text)?.[1] ?? `HTTP ${status}`;
    const [known, way] = codes[status] ?? [
      status >= 500 || status === 429 || status === 408 ? "unavailable" : "storage-failed",
      "failed; see the log of the server",
    ];
    return new ClusterError(known, `${this.place.name}: ${code} (${status}): the server ${way}`);
  }

  #away(error: unknown): ClusterError {
    if (error instanceof ClusterError) return error;
    const { message } = error as Error;
    const text = `${this.place.name} cannot be reached (${message}); check the endpoint`;
    return new ClusterError("unavailable", text, { cause: error });
  }
}
