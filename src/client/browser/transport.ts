/** One HTTP call of a web page to a coordinator: in the build for pages it takes the place of
 *  `sdk/client/transport.ts`, and has the same methods. It sends a token and never a cookie. */
import { ClusterError } from "../../core/error.ts";
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

export class Transport {
  readonly url: string;
  readonly #options: TransportOptions;

  /** Throws `bad-request` for what is no address. */
  constructor(options: TransportOptions) {
    const url = URL.canParse(options.url) ? new URL(options.url) : null;
    if (url === null || !/^https?:$/.test(url.protocol)) {
      const text = `${options.url} is not an address; write https://host:port`;
      throw new ClusterError("bad-request", text);
    }
    this.url = url.origin;
    this.#options = options;
  }

  /** The other coordinators have other origins, which the page may not be allowed by. */
  learn(_named: readonly string[]): void {}

  close(): void {}

  /** The answer once its head is there and it is no failure; the caller reads the body. */
  async open(call: Call): Promise<Answer> {
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
      throw this.#unreachable(call, error);
    } finally {
      clearTimeout(late);
    }
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

/** Not as a stream: browsers send those over HTTP/2 alone. */
async function bodyOf(body: Call["body"]): Promise<Blob | null> {
  if (body === undefined) return null;
  if (body instanceof Uint8Array) return new Blob([body as Uint8Array<ArrayBuffer>]);
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for await (const chunk of body) chunks.push(chunk as Uint8Array<ArrayBuffer>);
  return new Blob(chunks);
}
