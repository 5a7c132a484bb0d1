/** Calls of tabs that the gateway passes on to its coordinator: data of attempts and the API. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { request as httpsRequest } from "node:https";
import { pipeline } from "node:stream/promises";
import { Agents } from "../link/http/agents.ts";
import { Coordinators } from "../link/http/coordinators.ts";
import { metStaleConnection } from "../link/http/stale.ts";
import { request as httpRequest } from "../link/node-http.ts";

export type Upstream = {
  /** Of the coordinator, `http://…` or `https://…`; several of one cluster with commas between
   *  them. */
  readonly url: string;
  /** SHA-256 of its certificate; "" = none pinned. */
  readonly fingerprint: string;
  /** Longest silence of the client or the coordinator, ms; default 30,000. */
  readonly idleMs?: number;
};

export type Proxy = {
  /** True when the call is one that is passed on. */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
  close(): void;
};

/** The headers that are passed on; all others concern only the client and the gateway. */
const askHeaders = [
  "authorization",
  "content-type",
  "content-length",
  "range",
  "if-none-match",
] as const;
const answerHeaders = [
  "content-type",
  "content-length",
  "content-range",
  "accept-ranges",
  "cache-control",
  "etag",
  "retry-after",
  "www-authenticate",
] as const;

/** Data of attempts, by their tickets, and the API; nothing else. */
const passed = /^\/(t|v1)\//;

export function openProxy(upstream: Upstream): Proxy {
  const { fingerprint, idleMs = 30_000, url: urls } = upstream;
  const coordinators = new Coordinators({ urls, fingerprint });
  const unwatch = coordinators.watch();
  const agents = new Agents(fingerprint, { maxSockets: 256 });
  const pass = async (
    place: URL,
    asked: IncomingMessage,
    answer: ServerResponse,
    isAgain = false,
  ): Promise<void> => {
    const send = place.protocol === "https:" ? httpsRequest : httpRequest;
    const { kept, single } = agents.of(place.origin);
    const { moved } = coordinators;
    const isBodiless = asked.method === "GET" || asked.method === "HEAD";
    const onward = send(place, {
      method: asked.method ?? "GET",
      agent: isBodiless && !isAgain ? kept : single,
      signal: moved,
      headers: pick(asked.headers, askHeaders),
    });
    onward.setTimeout(idleMs, () => onward.destroy(new Error(`silent for ${idleMs} ms`)));
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      onward.once("response", resolve);
      onward.on("error", reject);
    });
    // The client may be gone.
    answer.once("close", () => onward.destroy());
    const sent = isBodiless ? null : pipeline(asked, onward).catch(() => {});
    if (isBodiless) onward.end();
    let got: IncomingMessage;
    try {
      got = await answered;
    } catch (error) {
      if (!metStaleConnection(onward, error)) throw error;
      return pass(place, asked, answer, true);
    }
    answer.writeHead(got.statusCode ?? 502, pick(got.headers, answerHeaders));
    await pipeline(got, answer);
    await sent;
  };
  return {
    handle(asked, answer) {
      const place = placeOf(coordinators.url, asked.url ?? "");
      if (place === null) return false;
      pass(place, asked, answer).catch(() => {
        if (coordinators.areSeveral) void coordinators.find();
        unreachable(answer);
      });
      return true;
    },
    close() {
      unwatch();
      agents.close();
    },
  };
}

/** The URL as the coordinator will read it: `/t/%2e%2e/x` is `/x`. Null for what is not passed
 *  on. */
function placeOf(coordinator: string, path: string): URL | null {
  const place = URL.parse(new URL(coordinator).origin + path);
  return passed.test(path) && place !== null && passed.test(place.pathname) ? place : null;
}

/** 503: the coordinator may be back soon; a half-sent answer is cut off. */
function unreachable(answer: ServerResponse): void {
  if (answer.headersSent) {
    answer.destroy();
    return;
  }
  const body = JSON.stringify({
    code: "unavailable",
    message: "the coordinator does not answer; try again",
    retryable: true,
  });
  const length = String(Buffer.byteLength(body));
  const headers = { "content-type": "application/json", "content-length": length };
  answer.writeHead(503, { ...headers, "retry-after": "1" }).end(body);
}

function pick(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  names: readonly string[],
): Record<string, string | string[]> {
  const picked: Record<string, string | string[]> = {};
  for (const name of names) {
    const value = headers[name];
    if (value !== undefined) picked[name] = value;
  }
  return picked;
}
