/** Sends one large blob in ranges, several at once: the coordinator keeps what has arrived, so that
 *  a cut, a kill or Ctrl-C costs no more than the ranges under way. */
import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { ClusterError } from "../../core/error.ts";
import { Lanes } from "../../core/transfer/lanes.ts";
import type { Arrived } from "../../core/transfer/pace.ts";
import { steadyMs } from "../../environment/steady.ts";
import type { UploadState } from "../../wire/api/messages.ts";
import type { Upload } from "../plan/upload.ts";
import { Patience, type TransferOptions } from "./patience.ts";
import type { Call, Transport } from "./transport.ts";

/** How long one range may bring nothing, ms: after it another connection is tried. */
const rangeAnswerMs = 15_000;
/** Reading and hashing at the end, bytes/ms, on a slow disk. */
const finishBytesPerMs = 20_000;
/** Times that the whole is sent: what arrives wrong twice changes while it is read. */
const wholeMax = 2;

/** Of coordinators that do not say theirs. */
const olderUnitBytes = 256 << 10;

type Range = { readonly start: number; readonly end: number };

/** False when the coordinator has no such calls: it is an older one. */
export async function sendInRanges(
  transport: Transport,
  upload: Upload,
  options: TransferOptions,
): Promise<boolean> {
  const source = await openSource(upload);
  try {
    return await new RangeSender(transport, { ...upload, source }, options).run();
  } finally {
    await source.close();
  }
}

type Source = { read(range: Range): Promise<Uint8Array>; close(): Promise<void> };

class RangeSender {
  readonly #transport: Transport;
  readonly #upload: Upload & { readonly source: Source };
  readonly #options: TransferOptions;
  readonly #patience: Patience;
  readonly #path: string;
  #doneBytes = 0;
  #unitBytes = olderUnitBytes;

  constructor(
    transport: Transport,
    upload: Upload & { readonly source: Source },
    options: TransferOptions,
  ) {
    this.#transport = transport;
    this.#upload = upload;
    this.#options = options;
    this.#patience = new Patience(options);
    this.#path = `/v1/uploads/${upload.hash}?sizeBytes=${upload.sizeBytes}`;
  }

  async run(): Promise<boolean> {
    for (let wholes = 0; ; ) {
      const state = await this.#state();
      if (state === null) return false;
      if (state.isStored) {
        this.#arrived(this.#upload.sizeBytes);
        return true;
      }
      if (state.missing.length > 0) {
        await this.#send(state.missing.map(([start, end]) => ({ start, end })));
        continue;
      }
      try {
        await this.#finish();
        return true;
      } catch (error) {
        const mayHelp = error instanceof ClusterError && again.has(error.code);
        if (!mayHelp || ++wholes >= wholeMax) throw error;
      }
    }
  }

  async #state(): Promise<UploadState | null> {
    try {
      const state = await this.#ask<UploadState>({ method: "GET", path: this.#path });
      this.#unitBytes = state.unitBytes ?? olderUnitBytes;
      const missingBytes = state.missing.reduce((sum, [start, end]) => sum + end - start, 0);
      this.#arrived(this.#upload.sizeBytes - missingBytes);
      return state;
    } catch (error) {
      if (error instanceof ClusterError && error.code === "not-found") return null;
      throw error;
    }
  }

  async #finish(): Promise<void> {
    const answerMs = 30_000 + Math.ceil(this.#upload.sizeBytes / finishBytesPerMs);
    await this.#ask({ method: "POST", path: this.#path, json: {}, answerMs });
  }

  #ask<T>(call: Call): Promise<T> {
    const { signal } = this.#options;
    const ended = signal === undefined ? call : { ...call, signal };
    return this.#patience.until(() => this.#transport.json<T>(ended));
  }

  #arrived(doneBytes: number): void {
    const { onBytes } = this.#options;
    if (doneBytes !== this.#doneBytes) onBytes?.(doneBytes - this.#doneBytes);
    this.#doneBytes = doneBytes;
  }

  /** All of them; the first error ends the others. */
  async #send(missing: Range[]): Promise<void> {
    const ranges = new Ranges(missing);
    const lanes = new Lanes(steadyMs());
    let failure: unknown = null;
    const { promise, resolve } = Promise.withResolvers<void>();
    let cuts = 0;
    const fill = (): void => {
      while (failure === null && ranges.hasNext && lanes.take(fill)) {
        void one(ranges.next(Math.max(this.#unitBytes, lanes.pace.rangeBytes)));
      }
      if (lanes.running === 0) resolve();
    };
    const one = async (range: Range): Promise<void> => {
      const sinceMs = steadyMs();
      const sizeBytes = range.end - range.start;
      let arrived: Arrived | null = null;
      try {
        await this.#sendRange(range);
        const atMs = steadyMs();
        cuts = 0;
        arrived = { atMs, sizeBytes, tookMs: atMs - sinceMs };
        this.#arrived(this.#doneBytes + sizeBytes);
      } catch (error) {
        ranges.putBack(range);
        await this.#patience.pause(error, cuts++).catch((reason) => {
          failure ??= reason;
        });
      }
      lanes.done(arrived);
      fill();
    };
    fill();
    await promise;
    if (failure !== null) throw failure;
  }

  async #sendRange(range: Range): Promise<void> {
    const body = await this.#upload.source.read(range);
    const sha256 = createHash("sha256").update(body).digest("hex");
    const type = "application/octet-stream";
    const { signal } = this.#options;
    await this.#transport.json({
      ...(signal === undefined ? {} : { signal }),
      method: "PUT",
      path: `${this.#path}&start=${range.start}`,
      body,
      headers: { "x-content-sha256": sha256, "content-type": type },
      answerMs: rangeAnswerMs,
    });
    this.#patience.moved();
  }
}

/** Failures of the end after which what is missing is asked for once more. */
const again: ReadonlySet<string> = new Set(["conflict", "data-lost"]);

/** What is missing, cut into ranges from the front. */
class Ranges {
  readonly #missing: Range[];

  constructor(missing: Range[]) {
    this.#missing = missing;
  }

  putBack(range: Range): void {
    this.#missing.unshift(range);
  }

  get hasNext(): boolean {
    return this.#missing.length > 0;
  }

  next(sizeBytes: number): Range {
    const first = this.#missing[0] as Range;
    const end = Math.min(first.end, first.start + sizeBytes);
    if (end === first.end) this.#missing.shift();
    else this.#missing[0] = { start: end, end: first.end };
    return { start: first.start, end };
  }
}

async function openSource({ at }: Upload): Promise<Source> {
  if (at.kind === "bytes") {
    return { read: async ({ start, end }) => at.bytes.subarray(start, end), async close() {} };
  }
  if (at.kind === "content") {
    return { read: ({ start, end }) => at.content.slice(start, end).bytes(), async close() {} };
  }
  const file = await open(at.path);
  return { read: (range) => readRange(file, range, at.path), close: () => file.close() };
}

async function readRange(file: FileHandle, { start, end }: Range, path: string) {
  const bytes = Buffer.allocUnsafe(end - start);
  for (let filled = 0; filled < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, start + filled);
    if (bytesRead === 0) {
      const text = `${path} became shorter while it was sent; submit the job again`;
      throw new ClusterError("data-lost", text);
    }
    filled += bytesRead;
  }
  return bytes;
}
