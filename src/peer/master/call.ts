/** One call of P4's control channel: JSON over HTTP to a master, a Tequio coordinator or an
 *  existing one. */
import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { ClusterError, type ErrorCode } from "../../core/error.ts";
import { Agents } from "../../link/http/agents.ts";
import type { Place } from "../../link/http/followed.ts";
import { metStaleConnection } from "../../link/http/stale.ts";
import { request as httpRequest } from "../../link/node-http.ts";
import type { Reach } from "../addresses.ts";
import { reachOf } from "../addresses.ts";

export type MasterAddress = {
  /** `http://host:8000`, or `https://host:7070/p4` for the main port of a coordinator. */
  readonly url: string;
  /** Of its certificate; "" = the system's authorities decide. */
  readonly fingerprint: string;
  /** Cluster token of a caller that is no peer; null = it has a peer's token. */
  readonly bearer: string | null;
  /** Asked when a call fails: where the master is now; null = not known. `isAway`: it did not
   *  answer, so that it may be waited for; else something answered, which at its old port may be
   *  anything. Default: it does not move. */
  readonly find?: (isAway: boolean) => Promise<Place | null>;
};

const answerMs = 15_000;
const answerMaxBytes = 256 * 1024 * 1024;

const codes: Readonly<Record<number, ErrorCode>> = {
  400: "bad-request",
  401: "unauthenticated",
  403: "forbidden",
  404: "not-found",
  405: "protocol-violated",
  409: "conflict",
  413: "limit-exceeded",
};

/** Calls that existing masters take as GET with a JSON body, though the document says POST. */
const lookups: readonly string[] = ["/get_files", "/get_file"];

type Method = "GET" | "POST";

/** A refusal in the master's own words, which tell more than the status. */
export class MasterRefusal extends ClusterError {
  readonly status: number;
  readonly words: string;

  constructor(status: number, words: string) {
    super(codes[status] ?? "unavailable", `the master answered ${status}: ${words}`);
    this.status = status;
    this.words = words;
  }

  /** Whether the master has no such call, as existing ones have none of ours. */
  get isUnknownCall(): boolean {
    return this.status === 404 || this.status === 405;
  }
}

export class MasterCalls {
  readonly #address: MasterAddress;
  /** Of the place that is called now, like `#url`. */
  #fingerprint: string;
  #agents: Agents;
  #url: string;
  #reach: Reach = "machine";
  /** How this master takes lookups: the document's form until it refuses that. */
  #lookupMethod: Method = "POST";

  constructor(address: MasterAddress) {
    this.#address = address;
    this.#url = address.url;
    this.#fingerprint = address.fingerprint;
    this.#agents = new Agents(address.fingerprint, {});
  }

  get url(): string {
    return this.#url;
  }

  /** How far away the master was at the last call: addresses that it names are checked against
   *  that. */
  get reach(): Reach {
    return this.#reach;
  }

  async call<Answer>(path: string, body: object, signal?: AbortSignal): Promise<Answer> {
    try {
      return await this.#call(path, body, signal);
    } catch (error) {
      if (!(await this.#hasMoved(error, signal))) throw error;
      return this.#call(path, body, signal);
    }
  }

  async #hasMoved(error: unknown, signal?: AbortSignal): Promise<boolean> {
    if (!(error instanceof ClusterError) || signal?.aborted === true) return false;
    const now = (await this.#address.find?.(error.code === "unavailable")) ?? null;
    if (now === null || (now.url === this.#url && now.fingerprint === this.#fingerprint)) {
      return false;
    }
    this.#url = now.url;
    this.#fingerprint = now.fingerprint;
    this.#agents.close();
    this.#agents = new Agents(now.fingerprint, {});
    return true;
  }

  async #call<Answer>(path: string, body: object, signal?: AbortSignal): Promise<Answer> {
    const bytes = Buffer.from(JSON.stringify(body));
    const method = lookups.includes(path) ? this.#lookupMethod : "POST";
    let answer = await this.#send({ method, path }, bytes, signal);
    if (answer.status === 405 && lookups.includes(path)) {
      const other = method === "POST" ? "GET" : "POST";
      answer = await this.#send({ method: other, path }, bytes, signal);
      if (answer.status !== 405) this.#lookupMethod = other;
    }
    const { status, text } = answer;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      value = null;
    }
    const fields = typeof value === "object" && value !== null ? value : {};
    if (status === 200 && value !== null) return fields as Answer;
    const message = (fields as { message?: unknown }).message;
    throw new MasterRefusal(status, typeof message === "string" ? message : "no P4 answer");
  }

  #send(
    { method, path }: { readonly method: Method; readonly path: string },
    body: Buffer,
    signal?: AbortSignal,
    isAgain = false,
  ): Promise<{ status: number; text: string }> {
    const { bearer } = this.#address;
    const url = this.#url;
    const { origin, protocol } = new URL(url);
    const isTls = protocol === "https:";
    const { kept, single } = this.#agents.of(origin);
    // A call that met a connection which the master was closing has one of its own.
    const agent = isAgain ? single : kept;
    const send = isTls ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const request = send(url + path, {
        method,
        agent: isTls ? agent : false,
        headers: {
          "content-type": "application/json",
          "content-length": String(body.length),
          ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
        },
        ...(signal === undefined ? {} : { signal }),
      });
      const fail = (cause: Error) => {
        if (signal?.aborted) return reject(signal.reason as Error);
        if (cause instanceof ClusterError) return reject(cause);
        if (metStaleConnection(request, cause)) {
          return resolve(this.#send({ method, path }, body, signal, true));
        }
        const text = `no master answers at ${url} (${cause.message}); ask again`;
        reject(new ClusterError("unavailable", text, { cause }));
      };
      request.setTimeout(answerMs, () => request.destroy(new Error("no answer in time")));
      request.once("error", fail);
      request.once("response", (answer) => {
        this.#reach = reachOf(answer.socket.remoteAddress ?? "") ?? "world";
        readText(answer).then((text) => resolve({ status: answer.statusCode ?? 0, text }), fail);
      });
      request.end(body);
    });
  }
}

async function readText(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > answerMaxBytes) {
      throw new ClusterError("limit-exceeded", `an answer is over ${answerMaxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
