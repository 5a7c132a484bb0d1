/** A file system of the filesystem protocol as its clients see it: ours or an existing one, always
 *  by its port.
 *
 *  Existing ones announce a port before they bind it, and drop a call after a second of silence: so
 *  what is sent is made before the call begins. */
import { setTimeout as delay } from "node:timers/promises";
import { ClusterError } from "../../core/error.ts";
import type { Listen } from "../../link/listen.ts";
import { Asker, askOnce } from "../../link/zeromq/request.ts";
import { reachOf, refuserFor } from "../../peer/addresses.ts";
import { lockedType } from "../../wire/filesystem/answers.ts";
import { decodeMessage, encodeMessage, type Message } from "../../wire/filesystem/codec.ts";
import { addressOf, asList, textField } from "../../wire/filesystem/fields.ts";
import { frameBytesMax } from "../../wire/filesystem/limits.ts";
import type { TableName } from "../../wire/filesystem/tables.ts";
import type { PyValue } from "../../wire/filesystem/value.ts";

export type Payload = Readonly<Record<string, PyValue>>;
export type Row = Readonly<Record<string, string>>;
/** Column and value. */
export type Cell = readonly [column: string, value: string];

export type FileSystemOptions = {
  /** Longest wait for an answer, ms. Default 8,000, as existing trackers have it. */
  readonly timeoutMs?: number;
  /** How long a locked file is asked for again, ms. Default 60,000. */
  readonly lockedMs?: number;
  /** Ends what is under way, as if the file system did not answer. */
  readonly signal?: AbortSignal;
  /** Content that can be read without asking: of the file system in this process. */
  readonly near?: (name: string) => AsyncIterable<Uint8Array> | Iterable<Uint8Array> | null;
};

/** Between two tries of a locked file, ms: as existing trackers have it. */
const lockedRetryMs = 500;
/** Of one frame of content that we send. */
const frameBytes = 1024 * 1024;
const ok = encodeMessage("OK", {});

export class FileSystem {
  readonly at: Listen;
  readonly #options: FileSystemOptions;

  constructor(at: Listen, options: FileSystemOptions = {}) {
    this.at = at;
    this.#options = options;
  }

  get isEnding(): boolean {
    return this.#options.signal?.aborted ?? false;
  }

  /** Bytes of the file, in pieces. Throws `not-found`, `timed-out` when it falls silent. */
  async *read(url: string): AsyncGenerator<Uint8Array, void> {
    const near = this.#options.near?.(url) ?? null;
    if (near !== null) {
      yield* near;
      return;
    }
    const port = await this.#begin("GETDATA", { file_url: url, byte: true });
    const asker = await Asker.open(port, this.#asking());
    try {
      for (;;) {
        const line = await asker.ask(ok);
        if (line.length === 0) return;
        yield line;
      }
    } finally {
      asker.close();
    }
  }

  /** The whole file; throws `limit-exceeded` above `maxBytes`. */
  async readWhole(url: string, maxBytes: number): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    let sizeBytes = 0;
    for await (const chunk of this.read(url)) {
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes) {
        throw new ClusterError("limit-exceeded", `${url} is above ${maxBytes} bytes`);
      }
      chunks.push(Uint8Array.from(chunk));
    }
    return Buffer.concat(chunks);
  }

  /** Stored whole when it resolves; what the name stood for before is replaced. */
  async write(
    url: string,
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<void> {
    const port = await this.#begin("PUTDATA", { file_url: url, byte: true });
    const asker = await Asker.open(port, this.#asking());
    try {
      for await (const chunk of chunks) {
        for (let at = 0; at < chunk.length; at += frameBytes) {
          this.#accepted("PUTDATA", await asker.ask(chunk.subarray(at, at + frameBytes)));
        }
      }
      this.#accepted("PUTDATA", await asker.ask(new Uint8Array(0)));
    } finally {
      asker.close();
    }
  }

  /** The job's folder and database, as the file system names them. */
  async putJob(job: string): Promise<{ readonly jobUrl: string; readonly databaseUrl: string }> {
    const port = await this.#begin("PUTJOB", { job_id: job });
    const answer = this.#accepted("PUTJOB", await askOnce(port, ok, this.#asking()));
    const jobUrl = textField(answer, "job_url");
    return { jobUrl, databaseUrl: textField(answer, "database_url") };
  }

  async removeJob(jobUrl: string): Promise<void> {
    await this.#call("REMOVEJOB", { job_url: jobUrl });
  }

  /** A call on a job's database. Throws `not-found` when it has none. */
  async change(call: string, database: string, details: Payload, first: Payload = {}) {
    const message = encodeMessage(call, details);
    if (message.length > frameBytesMax) {
      const text = `${call} would have ${message.length} bytes, above ${frameBytesMax}`;
      throw new ClusterError("limit-exceeded", `${text}: cut the job into more blocks`);
    }
    const port = await this.#begin(call, { ...first, status_db_url: database });
    return this.#accepted(call, await askOnce(port, message, this.#asking()));
  }

  async rows(database: string, table: TableName, filters: readonly Cell[]): Promise<Row[]> {
    const answer = await this.change("GETROWS", database, { table, filters });
    return (asList(answer.payload.get("rows")) ?? []).map((row) => {
      const cells = row instanceof Map ? [...row] : [];
      return Object.fromEntries(cells.map(([name, value]) => [String(name), String(value ?? "")]));
    });
  }

  async updateRow(
    database: string,
    table: TableName,
    [key, values]: readonly [Cell, readonly Cell[]],
  ): Promise<void> {
    await this.change("UPDATEROW", database, { table, key, fields_values: values });
  }

  #asking() {
    const { signal, timeoutMs = 8_000 } = this.#options;
    const ends = signal === undefined ? {} : { signal };
    return { timeoutMs, answerMaxBytes: frameBytesMax, ...ends };
  }

  /** The port of the second step. One that would lead to this machine, named by another, is
   *  refused. */
  async #begin(name: string, payload: Payload): Promise<Listen> {
    const answer = await this.#call(name, payload);
    const pair = [textField(answer, "ip"), textField(answer, "port")];
    const place = addressOf(answer, "ip and port", pair);
    const reach = reachOf(this.at.host);
    const problem = reach === null ? null : refuserFor(reach)(place.host);
    if (problem !== null) throw new ClusterError("protocol-violated", problem);
    return place;
  }

  /** One step; a locked file is asked for again. */
  async #call(name: string, payload: Payload): Promise<Message> {
    const giveUpAtMs = performance.now() + (this.#options.lockedMs ?? 60_000);
    const message = encodeMessage(name, payload);
    for (;;) {
      try {
        return this.#accepted(name, await askOnce(this.at, message, this.#asking()));
      } catch (error) {
        const isLocked = error instanceof ClusterError && error.code === "conflict";
        const isOver = performance.now() > giveUpAtMs || this.isEnding;
        if (!isLocked || isOver) throw error;
      }
      await delay(lockedRetryMs);
    }
  }

  /** Throws what an ERROR means. Existing ones answer a locked file with `Error` once. */
  #accepted(call: string, frame: Uint8Array): Message {
    const answer = decodeMessage(frame);
    if (answer.name === "OK") return answer;
    const said = (field: string) => String(answer.payload.get(field) ?? "");
    const { host, port } = this.at;
    const text = `${call} at ${host}:${port}: ${said("info") || answer.name}`;
    const type = said("type_error");
    if (type === lockedType) throw new ClusterError("conflict", text);
    const isMissing = type.startsWith("FileNotFound") || said("info").startsWith("404");
    throw new ClusterError(isMissing ? "not-found" : "bad-request", text);
  }
}

/** More of a file than this is not read to see that it is there. */
const lookedAtMax = 16 * 1024 * 1024;

/** The first of them that has the file; null when none has. It is read to its end: existing file
 *  systems keep it locked for a second, for all others, when a reader leaves before. */
export async function whoHas(
  systems: readonly FileSystem[],
  url: string,
): Promise<FileSystem | null> {
  for (const system of systems) {
    try {
      let sizeBytes = 0;
      for await (const chunk of system.read(url)) {
        sizeBytes += chunk.length;
        if (sizeBytes > lookedAtMax) break;
      }
      return system;
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
    }
  }
  return null;
}
