/** One HTTP call to a coordinator: kept connections, limits on every wait, failures as
 *  `ClusterError`. */
import type { ClientRequest, IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { pipeline } from "node:stream/promises";
import { ClusterError } from "../../core/error.ts";
import { Lanes } from "../../core/transfer/lanes.ts";
import { steadyMs } from "../../environment/steady.ts";
import { Agents } from "../../link/http/agents.ts";
import type { Coordinators } from "../../link/http/coordinators.ts";
import { Followed } from "../../link/http/followed.ts";
import { metStaleConnection } from "../../link/http/stale.ts";
import { request as httpRequest } from "../../link/node-http.ts";
import {
  answerLines,
  type Call,
  failureOf,
  jsonMaxBytes,
  jsonOf,
  type TransportOptions,
} from "./call.ts";

export type { Call, TransportOptions };

/** How long a call waits until one of several coordinators leads, ms. */
const leaderMs = 15_000;
/** Between two looks whether another one leads while calls are under way, ms: one that is stopped
 *  does not end them. */
const lookMs = 400;
const agentSettings = { keepAliveMsecs: 5_000, maxSockets: 64 };

export class Transport {
  readonly #options: TransportOptions;
  readonly #followed: Followed;
  #agents: Agents;
  /** Of what comes from the coordinator in ranges: parts of a result share them. */
  readonly lanesDown = new Lanes(steadyMs());

  constructor(options: TransportOptions) {
    const { fingerprint = "", url, whereNow } = options;
    const urls = url.split(",").map((one) => parseUrl(one).origin);
    this.#followed = new Followed({ url: urls.join(","), fingerprint, whereNow, lookMs });
    this.#agents = new Agents(fingerprint, agentSettings);
    this.#options = options;
  }

  get #coordinators(): Coordinators {
    return this.#followed.coordinators;
  }

  /** Of the coordinator that is called now. */
  get url(): string {
    return this.#coordinators.url;
  }

  /** Takes addresses that the coordinator has named. */
  learn(named: readonly string[]): void {
    this.#coordinators.learn(this.url, named);
  }

  /** The answer once its head is there and it is no failure; the caller reads the body. */
  async open(call: Call): Promise<IncomingMessage> {
    try {
      return await this.#open(call);
    } catch (error) {
      if (!(await this.#mayMove(call, error))) throw error;
      return await this.#open(call);
    }
  }

  async #open(call: Call): Promise<IncomingMessage> {
    const answer = await this.#send(call);
    const status = answer.statusCode ?? 0;
    if (status >= 200 && status < 300) return answer;
    throw this.#failure(call, status, await readAll(answer));
  }

  /** Whether the same call may be sent again, to the coordinator that leads now. */
  async #mayMove({ body, signal }: Call, error: unknown): Promise<boolean> {
    if (!(error instanceof ClusterError)) return false;
    // A stream can be sent once.
    const isKept = body === undefined || body instanceof Uint8Array;
    // What answers at its old port may be anything.
    if (this.#hasMoved()) return isKept;
    if (error.code !== "unavailable" || !this.#coordinators.areSeveral) return false;
    return (await this.#coordinators.findWithin(leaderMs, signal)) !== null && isKept;
  }

  /** Whether the coordinator is at another place than the one that was called, which is called from
   *  now on. */
  #hasMoved(): boolean {
    if (!this.#followed.hasMoved()) return false;
    this.#agents.close();
    this.#agents = new Agents(this.#followed.fingerprint, agentSettings);
    return true;
  }

  /** The answer as one text. */
  async text(call: Call): Promise<string> {
    const answer = await this.open(call);
    return readAll(answer).catch((error: unknown) => {
      throw this.#unreachable(error);
    });
  }

  /** The answer's JSON. */
  async json<T>(call: Call): Promise<T> {
    return jsonOf(await this.text(call), call, this.url);
  }

  /** The answer's lines as JSON values, as they arrive. */
  lines<T>(call: Call): AsyncGenerator<T, void> {
    return this.#read(call, (line) => JSON.parse(line) as T);
  }

  /** The same as their texts, with all digits of their numbers. */
  texts(call: Call): AsyncGenerator<string, void> {
    return this.#read(call, (line) => line);
  }

  async *#read<T>(call: Call, read: (line: string) => T): AsyncGenerator<T, void> {
    const answer = await this.open(call);
    const { idleMs } = call;
    if (idleMs !== undefined) {
      answer.setTimeout(idleMs, () => answer.destroy(new Error(`nothing came for ${idleMs} ms`)));
    }
    try {
      for await (const line of answerLines(call, answer as AsyncIterable<Buffer>, jsonMaxBytes)) {
        yield read(line);
      }
    } catch (error) {
      throw this.#unreachable(error);
    } finally {
      answer.destroy();
    }
  }

  /** The answer's bytes. */
  async *bytes(call: Call): AsyncGenerator<Uint8Array, void> {
    const answer = await this.open(call);
    answer.setTimeout(this.#answerMs(call), () => answer.destroy(new Error("no bytes came")));
    try {
      for await (const chunk of answer as AsyncIterable<Buffer>) yield chunk;
    } catch (error) {
      throw this.#unreachable(error);
    } finally {
      answer.destroy();
    }
  }

  close(): void {
    this.#agents.close();
  }

  async #send(call: Call, isAgain = false): Promise<IncomingMessage> {
    const send = this.url.startsWith("https:") ? httpsRequest : httpRequest;
    const body = call.json === undefined ? call.body : Buffer.from(JSON.stringify(call.json));
    const headers: Record<string, string> = {
      authorization: `Bearer ${this.#options.token}`,
      ...(call.json === undefined ? {} : { "content-type": "application/json" }),
      ...(body instanceof Uint8Array ? { "content-length": String(body.length) } : {}),
      ...call.headers,
    };
    const isWhole = body === undefined || body instanceof Uint8Array;
    const { kept, single } = this.#agents.of(this.url);
    const request = send(this.url + call.path, {
      method: call.method,
      agent: isWhole && !isAgain ? kept : single,
      headers,
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    });
    const answerMs = this.#answerMs(call);
    const late = `no answer within ${answerMs} ms`;
    request.setTimeout(answerMs, () => request.destroy(new Error(late)));
    this.#endWhenMoved(request);
    const answered = answerOf(request);
    answered.catch(() => {});
    try {
      if (isWhole) request.end(body);
      // A refusal may come before all is sent: then the answer counts, not the broken pipe.
      else await Promise.race([pipeline(body, request), answered]);
      const answer = await answered;
      request.setTimeout(0);
      return answer;
    } catch (error) {
      if (call.signal?.aborted) throw call.signal.reason;
      const answer = await answered.catch(() => null);
      if (answer !== null) return answer;
      // Submissions have their key, and other calls are harmless twice.
      if (metStaleConnection(request, error)) return this.#send(call, true);
      throw this.#unreachable(error);
    }
  }

  /** A coordinator that is stopped keeps its connections. */
  #endWhenMoved(request: ClientRequest): void {
    if (!this.#coordinators.areSeveral) return;
    const { moved } = this.#coordinators;
    const unwatch = this.#coordinators.watch();
    const end = () => request.destroy(moved.reason as Error);
    moved.addEventListener("abort", end, { once: true });
    request.once("close", () => {
      unwatch();
      moved.removeEventListener("abort", end);
    });
  }

  #answerMs(call: Call): number {
    return this.#options.answerMs ?? call.answerMs ?? 30_000;
  }

  #failure(call: Call, status: number, body: string): ClusterError {
    const { error, leader } = failureOf({ call, url: this.url, status, body });
    if (leader !== undefined) this.learn([leader]);
    return error;
  }

  #unreachable(error: unknown): unknown {
    if (error instanceof ClusterError) return error;
    const { code, message, name } = error as NodeJS.ErrnoException;
    if (name === "AbortError") return error;
    if (code === "ECONNREFUSED" || code === "ENOENT") {
      return new ClusterError(
        "unavailable",
        `no coordinator at ${this.url}; start one with \`tequio up\`, ` +
          "or use `tequio run --local`",
        { cause: error },
      );
    }
    if (/CERT|SIGNATURE|ERR_TLS/.test(code ?? "")) {
      const text =
        `the certificate of ${this.url} is not signed by an authority known here; ` +
        "give its --fingerprint, as `tequio up` prints it";
      return new ClusterError("unauthenticated", text, { cause: error });
    }
    const text = `the coordinator at ${this.url} cannot be reached: ${message}`;
    return new ClusterError("unavailable", text, { cause: error });
  }
}

function answerOf(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once("response", resolve);
    request.on("error", reject);
  });
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && (url.protocol === "http:" || url.protocol === "https:")) return url;
  throw new ClusterError("bad-request", `${text} is not an address; write http://host:port`);
}

async function readAll(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > jsonMaxBytes) {
      answer.destroy();
      throw new ClusterError("limit-exceeded", `an answer is over ${jsonMaxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
