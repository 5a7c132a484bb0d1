/** Memory snapshots of the Python of tabs, made by this process from its own package and modules:
 *  a tab that starts from one computes for a fraction of a second instead of several.
 *
 *  1. Nothing that a tab or another user has made is taken.
 *  2. One is made once for a package and our modules, and kept in a folder of this user, with its
 *     digest: what has another one is made again.
 *  3. Where none can be made, tabs start Python without. */
import { createHash } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { gzip } from "node:zlib";
import { ClusterError } from "../../core/error.ts";
import { removeOldest } from "../../store/cache-folder.ts";
import { pythonEnvironment, taskModule } from "../../wire/browser/python-begin.ts";
import type { SnapshotOrder } from "./snapshot-thread.ts";

const entry = new URL(`./snapshot-thread${import.meta.url.slice(-3)}`, import.meta.url);
/** A tab waits for so long, ms: it gives up after 30 s of silence. */
const waitMaxMs = 20_000;
const makeMaxMs = 180_000;
/** Of several versions of the product. */
const keptMax = 3;
const digestBytes = 32;

/** All that a snapshot depends on besides the package and our modules. The number changes with how
 *  `snapshot-thread.ts` starts Python. */
export const snapshotRecipe: readonly unknown[] = [1, pythonEnvironment, taskModule];

export type SnapshotOptions = SnapshotOrder & {
  /** Of the package and our modules. */
  readonly digest: string;
  readonly cache: string | null;
};

export class PythonSnapshots {
  readonly #options: SnapshotOptions;
  #making: Promise<Buffer> | null = null;

  constructor(options: SnapshotOptions) {
    this.#options = options;
  }

  /** Throws a `ClusterError` when there is none within some seconds, or at all. */
  async gzipped(): Promise<Buffer> {
    this.#making ??= this.#kept().then((kept) => kept ?? this.#make());
    // Not again: it would fail again, seconds of a processor later.
    this.#making.catch(() => {});
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      const problem = () => reject(unavailable(`it takes longer than ${waitMaxMs} ms to make`));
      timer = setTimeout(problem, waitMaxMs);
    });
    try {
      return await Promise.race([this.#making, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  get #path(): string | null {
    const { cache, digest } = this.#options;
    return cache === null ? null : join(cache, `${digest}.gz`);
  }

  /** Null: there is none, or it is damaged. */
  async #kept(): Promise<Buffer | null> {
    if (this.#path === null) return null;
    const file = await readFile(this.#path).catch(() => null);
    if (file === null || file.length <= digestBytes) return null;
    const body = file.subarray(digestBytes);
    return digestOf(body).equals(file.subarray(0, digestBytes)) ? body : null;
  }

  async #make(): Promise<Buffer> {
    const body = await promisify(gzip)(await takenIn(this.#options));
    await this.#keep(body);
    return body;
  }

  /** A disk that takes nothing costs the next start its time alone. */
  async #keep(body: Buffer): Promise<void> {
    const { cache } = this.#options;
    if (this.#path === null || cache === null) return;
    const draft = `${this.#path}.${process.pid}`;
    try {
      await writeFile(draft, Buffer.concat([digestOf(body), body]), { mode: 0o600 });
      await rename(draft, this.#path);
      removeOldest(cache, keptMax);
    } catch {
      // It is made again.
    }
  }
}

/** In a thread: it computes for seconds. */
function takenIn({ folder, own }: SnapshotOrder): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const workerData: SnapshotOrder = { folder, own };
    const worker = new Worker(entry, { workerData, stdout: true, stderr: true });
    // A coordinator that ends does not wait for it.
    worker.unref();
    const timer = setTimeout(() => void worker.terminate(), makeMaxMs);
    timer.unref();
    worker.once("message", (bytes: Uint8Array) => {
      resolve(bytes);
      void worker.terminate();
    });
    worker.once("error", (error) => reject(unavailable(`it cannot be made: ${error}`)));
    worker.once("exit", () => {
      clearTimeout(timer);
      reject(unavailable("what makes it has ended"));
    });
  });
}

function digestOf(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}

function unavailable(why: string): ClusterError {
  const what = "there is no memory snapshot of Python, and tabs start without";
  return new ClusterError("unavailable", `${what}: ${why}`);
}
