/** One GET of a web server or an object store, whose answer has a time limit for each of its parts.
 *
 *  By Node's own module and not by `fetch`, which works with globals that jobs do not have: under
 *  the judge they are hidden from all code of the process. */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { request as overTls, Agent as TlsAgent } from "node:https";
import process from "node:process";
import { ClusterError } from "../core/error.ts";

// An import of its values would load Node's `fetch`: see link/node-http.ts.
const { Agent, request: plain } = process.getBuiltinModule("node:http");

export type Question = {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Longest wait for the answer, and for the next bytes of it, in ms. */
  readonly stallMs: number;
  readonly signal?: AbortSignal;
};

export type Answer = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** To be read once. */
  chunks(): AsyncGenerator<Uint8Array, void>;
  /** To be called in any case; what has not been read is dropped. */
  end(): void;
};

/** Idle connections are closed after so long, in ms. */
const idleMs = 4_000;
const agents = {
  "http:": new Agent({ keepAlive: true, timeout: idleMs }),
  "https:": new TlsAgent({ keepAlive: true, timeout: idleMs }),
} as const;
const redirectsMax = 5;
const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Follows redirections of web servers. Rejects when no answer comes in time. */
export async function ask(question: Question, mayRedirect: boolean): Promise<Answer> {
  let { headers, url } = question;
  for (let count = 0; ; count++) {
    const answer = await askOnce({ ...question, url, headers });
    const { location } = answer.headers;
    if (!mayRedirect || !redirects.has(answer.status) || location === undefined) return answer;
    answer.end();
    if (count === redirectsMax) {
      const text = `${question.url.href} leads from one address to the next`;
      throw new ClusterError("bad-request", `${text}, more than ${redirectsMax} times`);
    }
    url = new URL(location, url);
    headers = question.headers;
  }
}

function askOnce({ headers, signal, stallMs, url }: Question): Promise<Answer> {
  const { promise, reject, resolve } = Promise.withResolvers<Answer>();
  const agent = agents[url.protocol as keyof typeof agents];
  if (agent === undefined) {
    throw new ClusterError("bad-request", `${url.href}: only https://, http:// and s3:// are read`);
  }
  const asked = (url.protocol === "https:" ? overTls : plain)(url, { headers, agent });
  const stalled = () => asked.destroy(new Error("no answer in time"));
  const timer = setTimeout(stalled, stallMs);
  const stop = () => asked.destroy(new Error("no longer wanted"));
  signal?.addEventListener("abort", stop, { once: true });
  const settle = () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  };
  asked.once("error", (error) => {
    settle();
    reject(error);
  });
  asked.once("response", (response: IncomingMessage) => {
    resolve({
      status: response.statusCode ?? 0,
      headers: response.headers,
      async *chunks() {
        for await (const chunk of response) {
          timer.refresh();
          yield chunk as Uint8Array;
        }
      },
      end() {
        settle();
        // A connection whose answer was read to its end is used again.
        if (!response.complete) asked.destroy();
      },
    });
  });
  asked.end();
  return promise;
}
