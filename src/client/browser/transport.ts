/** One HTTP call of a web page to a coordinator: in the build for pages it takes the place of
 *  `sdk/client/transport.ts`, and has the same methods. It sends a token and never a cookie, and
 *  calls no coordinator but those that the page names: others may not allow it. */
import { ClusterError } from "../../core/error.ts";
import { Coordinators } from "../../link/http/coordinators.ts";
import {
  answerLines,
  type Call,
  failureOf,
  jsonMaxBytes,
  jsonOf,
  type TransportOptions,
} from "../../sdk/client/call.ts";

type Answer = {
  readonly response: Response;
  /** Ends it, with the reason that its reader sees. */
  readonly stop: AbortController;
  /** The body is not needed. */
  resume(): void;
};

/** As of the transport of Node, ms. */
const leaderMs = 15_000;
const lookMs = 400;

export class Transport {
  readonly #options: TransportOptions;
  readonly #coordinators: Coordinators;

  /** Throws `bad-request` for what is no address. */
  constructor(options: TransportOptions) {
    const urls = options.url.split(",").map(originOf).join(",");
    this.#coordinators = new Coordinators({ urls, fingerprint: "", lookMs, learns: false });
    this.#options = options;
  }

  /** Of the coordinator that is called now. */
  get url(): string {
    return this.#coordinators.url;
  }

  learn(_named: readonly string[]): void {}

  close(): void {}

  /** The answer once its head is there and it is no failure; the caller reads the body. */
  async open(call: Call): Promise<Answer> {
    try {
      return await this.#open(call);
    } catch (error) {
      if (!(await this.#mayMove(call, error))) throw error;
      return await this.#open(call);
    }
  }

  /** Whether the same call may be sent again, to the coordinator that leads now. */
  async #mayMove({ body, signal }: Call, error: unknown): Promise<boolean> {
    if (!(error instanceof ClusterError) || error.code !== "unavailable") return false;
    if (!this.#coordinators.areSeveral) return false;
    // A stream can be sent once.
    const isKept = body === undefined || body instanceof Uint8Array;
    return (await this.#coordinators.findWithin(leaderMs, signal)) !== null && isKept;
  }

  async #open(call: Call): Promise<Answer> {
    const answer = await this.#send(call);
    const { response } = answer;
    if (response.ok) return answer;
    const body = await this.#read(call, answer);
    throw failureOf({ call, url: this.url, status: response.status, body }).error;
  }

  async text(call: Call): Promise<string> {
    return this.#read(call, await this.open(call));
  }

  async json<T>(call: Call): Promise<T> {
    return jsonOf(await this.text(call), call, this.url);
  }

  async *lines<T>(call: Call): AsyncGenerator<T, void> {
    for await (const line of this.texts(call)) yield JSON.parse(line) as T;
  }

  async *texts(call: Call): AsyncGenerator<string, void> {
    const chunks = this.#chunks(call, await this.open(call), call.idleMs);
    yield* answerLines(call, chunks, jsonMaxBytes);
  }

  async *bytes(call: Call): AsyncGenerator<Uint8Array, void> {
    yield* this.#chunks(call, await this.open(call), this.#answerMs(call));
  }

  async #send(call: Call): Promise<Answer> {
    const { headers, method, path, signal } = call;
    const stop = new AbortController();
    const sent = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
    const late = this.#late(stop, this.#answerMs(call));
    this.#endWhenMoved(stop);
    const { "content-length": _, ...own } = headers ?? {};
    const body = call.json === undefined ? await bodyOf(call.body) : JSON.stringify(call.json);
    try {
      const response = await fetch(this.url + path, {
        method,
        headers: {
          authorization: `Bearer ${this.#options.token}`,
          ...(call.json === undefined ? {} : { "content-type": "application/json" }),
          ...own,
        },
        credentials: "omit",
        cache: "no-store",
        redirect: "error",
        signal: sent,
        ...(body === null ? {} : { body }),
      });
      return { response, stop, resume: () => stop.abort() };
    } catch (error) {
      stop.abort();
      throw this.#unreachable(call, error);
    } finally {
      clearTimeout(late);
    }
  }

  /** A coordinator that is stopped keeps its connections. `stop` ends with its call. */
  #endWhenMoved(stop: AbortController): void {
    if (!this.#coordinators.areSeveral) return;
    const { moved } = this.#coordinators;
    const unwatch = this.#coordinators.watch();
    const end = () => stop.abort(moved.reason);
    moved.addEventListener("abort", end, { once: true });
    const ended = () => {
      unwatch();
      moved.removeEventListener("abort", end);
    };
    stop.signal.addEventListener("abort", ended, { once: true });
  }

  /** `idleMs`: how long nothing may come; absent = any time. */
  async *#chunks(
    call: Call,
    { response, stop }: Answer,
    idleMs: number | undefined,
  ): AsyncGenerator<Uint8Array, void> {
    const reader = response.body?.getReader();
    try {
      for (;;) {
        const late = idleMs === undefined ? undefined : this.#late(stop, idleMs);
        const next = await reader?.read().finally(() => clearTimeout(late));
        if (next === undefined || next.done) return;
        yield next.value;
      }
    } catch (error) {
      throw this.#unreachable(call, error);
    } finally {
      stop.abort();
    }
  }

  async #read(call: Call, answer: Answer): Promise<string> {
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    let sizeBytes = 0;
    for await (const chunk of this.#chunks(call, answer, this.#answerMs(call))) {
      sizeBytes += chunk.length;
      if (sizeBytes > jsonMaxBytes) {
        throw new ClusterError("limit-exceeded", `an answer is over ${jsonMaxBytes} bytes`);
      }
      chunks.push(chunk as Uint8Array<ArrayBuffer>);
    }
    return new Blob(chunks).text();
  }

  #late(stop: AbortController, ms: number): ReturnType<typeof setTimeout> {
    const text = `the coordinator at ${this.url} sent nothing within ${ms} ms`;
    return setTimeout(() => stop.abort(new ClusterError("unavailable", text)), ms);
  }

  #answerMs(call: Call): number {
    return this.#options.answerMs ?? call.answerMs ?? 30_000;
  }

  /** A browser does not tell a page whether there was no answer, or one that it may not read. */
  #unreachable({ signal }: Call, error: unknown): unknown {
    if (signal?.aborted) return signal.reason;
    if (error instanceof ClusterError) return error;
    const { origin } = globalThis as { origin?: string };
    const text =
      `the coordinator at ${this.url} cannot be reached, or does not allow pages of ${origin}: ` +
      `start it with \`tequio up --allow-origin ${origin}\``;
    return new ClusterError("unavailable", text, { cause: error });
  }
}

function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && /^https?:$/.test(url.protocol)) return url.origin;
  throw new ClusterError("bad-request", `${text} is not an address; write https://host:port`);
}

/** Not as a stream: browsers send those over HTTP/2 alone. */
async function bodyOf(body: Call["body"]): Promise<Blob | null> {
  if (body === undefined) return null;
  if (body instanceof Uint8Array) return new Blob([body as Uint8Array<ArrayBuffer>]);
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for await (const chunk of body) chunks.push(chunk as Uint8Array<ArrayBuffer>);
  return new Blob(chunks);
}
