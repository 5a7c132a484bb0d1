/** Reads files of web servers and object stores by ranges, and notices when they change. */
import { ClusterError } from "../core/error.ts";
import { type Environment, Requests, s3Place } from "./address.ts";
import { type Answer, ask } from "./request.ts";

/** What a file is as long as it does not change. */
export type RemoteFile = {
  /** `https://…`, `http://…` or `s3://bucket/key`. */
  readonly url: string;
  readonly sizeBytes: number;
  /** Its ETag, else the time of its last change. */
  readonly tag: string;
};

export type RemoteLimits = {
  /** Longest wait for an answer, and for the next bytes of it, in ms; default 60,000. */
  readonly stallMs?: number;
  /** Further tries of a request that failed by the network or the server; default 4. */
  readonly retries?: number;
  /** Wait before the first of them, in ms; twice as long before each further one; default 200. */
  readonly retryMs?: number;
};

export class RemoteFiles {
  readonly #requests: Requests;
  readonly #limits: Required<RemoteLimits>;

  constructor(environment: Environment = process.env, limits: RemoteLimits = {}) {
    this.#requests = new Requests(environment);
    this.#limits = { stallMs: 60_000, retries: 4, retryMs: 200, ...limits };
  }

  /** The file as it is now, and its first `startBytes` bytes. Throws `not-found`, `forbidden`,
   *  `unavailable`, and `bad-request` where the server serves no ranges. */
  async look(url: string, startBytes: number): Promise<RemoteFile & { start: Uint8Array }> {
    return this.#patiently(url, async () => {
      const answer = await this.#ask(url, { range: `bytes=0-${Math.max(0, startBytes - 1)}` });
      try {
        // A range of an empty file is none.
        if (answer.status === 416 && sizeIn(answer) === 0) {
          return { url, sizeBytes: 0, tag: tagIn(answer) ?? "empty", start: new Uint8Array() };
        }
        await this.#check(url, answer);
        const tag = tagIn(answer);
        const sizeBytes = sizeIn(answer);
        if (answer.status !== 206 || sizeBytes === null) {
          const text = `the server of ${url} serves no ranges`;
          throw new ClusterError("bad-request", `${text}; fetch the file first, or pipe it in (-)`);
        }
        if (tag === null) {
          const text = `the server of ${url} gives neither ETag nor Last-Modified, so that a`;
          throw new ClusterError("bad-request", `${text} change is not seen; fetch the file first`);
        }
        const chunks: Uint8Array[] = [];
        for await (const chunk of answer.chunks()) chunks.push(Uint8Array.from(chunk));
        return { url, sizeBytes, tag, start: Buffer.concat(chunks) };
      } finally {
        answer.end();
      }
    });
  }

  /** Bytes [start, end) of the file; what breaks off is continued. Throws `data-lost` when the file
   *  is not what it was, else `download-failed`. */
  async *read(
    file: RemoteFile,
    start: number,
    end: number,
    signal?: AbortSignal,
  ): AsyncGenerator<Uint8Array, void> {
    let at = start;
    let failures = 0;
    while (at < end) {
      signal?.throwIfAborted();
      try {
        for await (const chunk of this.#range(file, at, end, signal)) {
          at += chunk.length;
          failures = 0;
          yield chunk;
        }
        if (at < end) throw new ClusterError("unavailable", "the answer broke off");
      } catch (error) {
        signal?.throwIfAborted();
        if (!isTransient(error) || ++failures > this.#limits.retries) throw asInput(file, error);
        await this.#pause(failures);
      }
    }
  }

  /** Keys under a prefix of a bucket, in order. */
  async list(address: string, filesMax: number): Promise<string[]> {
    const place = s3Place(address);
    if (place === null) throw new ClusterError("bad-request", `${address} cannot be listed`);
    const keys: string[] = [];
    let token = "";
    do {
      const query: Record<string, string> = { "list-type": "2", prefix: place.key };
      if (token !== "") query["continuation-token"] = token;
      const text = await this.#patiently(address, async () => {
        const answer = await this.#ask(address, {}, query);
        try {
          await this.#check(address, answer);
          const chunks: Uint8Array[] = [];
          for await (const chunk of answer.chunks()) chunks.push(Uint8Array.from(chunk));
          return Buffer.concat(chunks).toString();
        } finally {
          answer.end();
        }
      });
      for (const key of elements(text, "Key")) keys.push(key);
      if (keys.length > filesMax) {
        const many = `more than ${filesMax} files are under ${address} (filesMax)`;
        throw new ClusterError("limit-exceeded", `${many}; name fewer`);
      }
      [token = ""] = elements(text, "NextContinuationToken");
    } while (token !== "");
    return keys.filter((key) => !key.endsWith("/")).map((key) => `s3://${place.bucket}/${key}`);
  }

  async *#range(
    file: RemoteFile,
    start: number,
    end: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array, void> {
    const answer = await this.#ask(
      file.url,
      { range: `bytes=${start}-${end - 1}` },
      undefined,
      signal,
    );
    try {
      if (answer.status === 404 || answer.status === 410 || answer.status === 416) {
        throw changed(file);
      }
      await this.#check(file.url, answer);
      if (tagIn(answer) !== file.tag || sizeIn(answer) !== file.sizeBytes) throw changed(file);
      let left = end - start;
      for await (const chunk of answer.chunks()) {
        const part = chunk.subarray(0, left);
        left -= part.length;
        if (part.length > 0) yield part;
        if (left === 0) return;
      }
    } finally {
      answer.end();
    }
  }

  #ask(
    address: string,
    headers: Readonly<Record<string, string>>,
    query?: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<Answer> {
    const asked = this.#requests.request(address, headers, query);
    const { stallMs } = this.#limits;
    const question = { ...asked, stallMs, ...(signal === undefined ? {} : { signal }) };
    return ask(question, s3Place(address) === null);
  }

  async #check(url: string, answer: Answer): Promise<void> {
    const { status } = answer;
    if (status >= 200 && status < 300) return;
    if (status === 404 || status === 410) throw new ClusterError("not-found", `no file at ${url}`);
    if (status === 401 || status === 403) {
      const [code = `HTTP ${status}`] = elements(await startOf(answer), "Code");
      const why = s3Place(url) === null ? "" : `: ${this.#requests.credentials}`;
      throw new ClusterError("forbidden", `${url} may not be read (${code})${why}`);
    }
    const isLater = status >= 500 || status === 408 || status === 425 || status === 429;
    throw new ClusterError(isLater ? "unavailable" : "bad-request", `${url}: HTTP ${status}`);
  }

  async #patiently<T>(url: string, ask: () => Promise<T>): Promise<T> {
    for (let failures = 1; ; failures++) {
      try {
        return await ask();
      } catch (error) {
        if (error instanceof ClusterError && error.code !== "unavailable") throw error;
        if (failures > this.#limits.retries) throw unreachable(url, error);
        await this.#pause(failures);
      }
    }
  }

  #pause(failures: number): Promise<void> {
    const ms = this.#limits.retryMs * 2 ** (failures - 1);
    return new Promise((resolve) => setTimeout(resolve, ms));
  }
}

function isTransient(error: unknown): boolean {
  return !(error instanceof ClusterError) || error.code === "unavailable";
}

function unreachable(url: string, error: unknown): ClusterError {
  const text = error instanceof ClusterError ? error.text : `${url}: ${reasonOf(error)}`;
  return new ClusterError("unavailable", text, { cause: error });
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return message || (code ?? "it cannot be reached");
}

function asInput({ url }: RemoteFile, error: unknown): ClusterError {
  if (error instanceof ClusterError && error.code === "data-lost") return error;
  const { text } = unreachable(url, error);
  const who = "each worker reads it by itself, with the credentials of its own environment";
  return new ClusterError("download-failed", `${text}; ${who}`, { cause: error });
}

function changed({ url }: RemoteFile): ClusterError {
  const text = `${url} has changed since the job was planned; submit it again`;
  return new ClusterError("data-lost", text);
}

/** Of what the server says about it. */
async function startOf(answer: Answer): Promise<string> {
  for await (const chunk of answer.chunks()) return Buffer.from(chunk).toString();
  return "";
}

function tagIn({ headers }: Answer): string | null {
  return headers.etag ?? headers["last-modified"] ?? null;
}

/** Of the whole file. */
function sizeIn({ headers }: Answer): number | null {
  const [, size] = /\/(\d+)$/.exec(headers["content-range"] ?? "") ?? [];
  return size === undefined ? null : Number(size);
}

/** What the elements of this name contain, in a listing of S3. */
function elements(xml: string, name: string): string[] {
  const found = xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, "g"));
  return Array.from(found, ([, text = ""]) => text.replace(/&(#?\w+);/g, entity));
}

const entities: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

function entity(whole: string, name: string): string {
  if (!name.startsWith("#")) return entities[name] ?? whole;
  const code = name.startsWith("#x") ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
  return String.fromCodePoint(code);
}
