/** The control channel over HTTP, for a port of its own and below `/p4` of the main one: which
 *  requests are accepted at all, their bodies, and answers.
 *
 *  Directly on Node's requests: existing clients send JSON bodies with GET, which frameworks drop.
 *  Requests that are not in the table of calls are refused before their body is read. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { ClusterError, type ErrorCode } from "../../../core/error.ts";
import { defaultFailureLimits, FailureCounter } from "../../access/rate.ts";
import { mustLead } from "../../leading/answering.ts";
import { bearer } from "../http/upgrade.ts";
import { type BodyLimits, readBody } from "./body.ts";
import { type P4Call, type P4Parts, P4Refusal, type P4Route } from "./call.ts";
import { p4Routes } from "./calls.ts";
import { parseJson } from "./json.ts";
import { openApiPath, openApiText } from "./openapi.ts";

export type P4Limits = BodyLimits & {
  /** Calls at once; more are answered 503. */
  readonly callsMax: number;
  /** From the head of a request to the last byte of its answer. */
  readonly callTimeoutMs: number;
  /** Invalid tokens of one address in a minute before it is throttled. */
  readonly failuresMax: number;
};

export const defaultP4Limits: P4Limits = {
  callsMax: 1_024,
  callTimeoutMs: 120_000,
  bodyTimeoutMs: 30_000,
  bodiesMaxBytes: 128 * 1024 * 1024,
  failuresMax: 60,
};

/** Answers longer than this are cached as bytes. */
const longBytes = 64 * 1024;

/** The path of these calls on the main port. */
export const p4Below = "/p4";

export class P4Edge {
  readonly #parts: P4Parts;
  readonly #limits: P4Limits;
  readonly #routes = new Map<string, P4Route>(p4Routes.map((route) => [route.path, route]));
  readonly #failures: FailureCounter;
  readonly #onError: (error: unknown) => void;
  readonly #bodies = { bytes: 0 };
  readonly #long = new WeakMap<object, Buffer>();
  #calls = 0;

  /** `onError`: a bug ended a call. */
  constructor(parts: P4Parts, onError: (error: unknown) => void, limits: Partial<P4Limits> = {}) {
    this.#parts = parts;
    this.#onError = onError;
    this.#limits = { ...defaultP4Limits, ...limits };
    const { failuresMax } = this.#limits;
    this.#failures = new FailureCounter({ ...defaultFailureLimits, failuresMax });
  }

  /** Answers one request; `below` is cut off its path. Never throws. */
  handle(request: IncomingMessage, response: ServerResponse, below = ""): void {
    this.#calls++;
    // The caller has gone: nothing to do.
    response.on("error", () => {});
    const late = setTimeout(() => response.destroy(), this.#limits.callTimeoutMs);
    response.once("close", () => {
      clearTimeout(late);
      this.#calls--;
    });
    this.#answer(request, response, below).catch((error) => {
      if (response.headersSent) response.destroy();
      else this.#refuse(request, response, this.#refusalOf(error, request));
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse, below: string): Promise<void> {
    const path = (request.url ?? "").slice(below.length).replace(/\?.*$/s, "");
    mustBePlain(request);
    await mustLead(this.#parts.owner);
    if (path === openApiPath) {
      mustBeMethod(request, response, ["GET"]);
      send(response, 200, Buffer.from(openApiText()));
      return;
    }
    const route = this.#routes.get(path);
    if (route === undefined) throw new P4Refusal(404, "Not found");
    mustBeMethod(request, response, route.methods);
    mustBeJson(request);
    if (this.#calls > this.#limits.callsMax) {
      throw new P4Refusal(503, `${this.#limits.callsMax} calls are under way; try again`);
    }
    const bytes = await readBody(request, route.bodyMaxBytes, {
      limits: this.#limits,
      inFlight: this.#bodies,
    });
    const call = this.#callOf(request, route, bytes);
    if (!this.#parts.loop.isOpen) {
      throw new P4Refusal(503, "The master is stopping; try again later");
    }
    send(response, 200, this.#bytesOf(await route.handle(call)));
  }

  /** A long answer that is sent again has the same bytes: slow readers share them. */
  #bytesOf(answer: object): Buffer {
    const kept = this.#long.get(answer);
    if (kept !== undefined) return kept;
    const bytes = Buffer.from(JSON.stringify(answer));
    if (bytes.length > longBytes) this.#long.set(answer, bytes);
    return bytes;
  }

  #callOf(request: IncomingMessage, route: P4Route, bytes: Uint8Array): P4Call<unknown> {
    const parsed = route.body.safeParse(parseJson(bytes));
    if (!parsed.success) throw new P4Refusal(400, "Invalid request");
    return {
      ...this.#parts,
      body: parsed.data,
      seenAt: request.socket.remoteAddress ?? "",
      bearer: bearer(request.headers),
    };
  }

  #refusalOf(error: unknown, request: IncomingMessage): P4Refusal {
    if (error instanceof P4Refusal) {
      const address = request.socket.remoteAddress ?? "";
      const isTooMuch =
        error.isGuess && this.#failures.failed(address, this.#parts.loop.steadyMs());
      return isTooMuch ? new P4Refusal(429, "Too many wrong tokens; wait a minute") : error;
    }
    if (error instanceof ClusterError) return new P4Refusal(statusOf(error.code), error.text);
    this.#onError(error);
    return new P4Refusal(500, "A bug of the master; see its output");
  }

  #refuse(request: IncomingMessage, response: ServerResponse, refusal: P4Refusal): void {
    const { message, status } = refusal;
    // The rest of the body is not waited for.
    if (!request.complete) response.setHeader("connection", "close");
    if (status === 503 || status === 429) response.setHeader("retry-after", "1");
    send(response, status, Buffer.from(JSON.stringify({ message })));
  }
}

/** bad-request: refused by the core, with its message. */
function statusOf(code: ErrorCode): number {
  if (code === "bad-request") return 400;
  if (code === "not-found") return 404;
  if (code === "conflict") return 409;
  return code === "limit-exceeded" ? 413 : 503;
}

function send(response: ServerResponse, status: number, bytes: Buffer): void {
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": bytes.length,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  response.end(bytes);
}

const singular = new Set(["authorization", "content-length", "content-type", "host"]);

/** Refuses requests of web pages, repeated headers and method overrides. */
function mustBePlain({ headers, rawHeaders }: IncomingMessage): void {
  if (headers.origin !== undefined || headers["sec-fetch-site"] !== undefined) {
    throw new P4Refusal(403, "Web pages may not call this");
  }
  const overrides = ["x-http-method-override", "x-http-method", "x-method-override"];
  if (overrides.some((name) => headers[name] !== undefined)) {
    throw new P4Refusal(400, "Invalid request");
  }
  const seen = new Set<string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] as string).toLowerCase();
    if (singular.has(name) && seen.has(name)) throw new P4Refusal(400, "Invalid request");
    seen.add(name);
  }
}

function mustBeMethod(
  { method }: IncomingMessage,
  response: ServerResponse,
  methods: readonly string[],
): void {
  if (methods.includes(method ?? "")) return;
  response.setHeader("allow", methods.join(", "));
  throw new P4Refusal(405, "Method not allowed");
}

function mustBeJson({ headers }: IncomingMessage): void {
  const type = headers["content-type"];
  const encoding = headers["content-encoding"];
  const isJson = type === undefined || /^application\/(?:[\w.+-]*\+)?json\s*(?:;|$)/i.test(type);
  if (isJson && (encoding === undefined || encoding === "identity")) return;
  throw new P4Refusal(415, "Send application/json");
}
