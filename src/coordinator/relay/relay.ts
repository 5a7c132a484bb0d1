/** Map outputs of workers that are unreachable (browser tabs, machines behind a firewall) or have
 *  left: the coordinator keeps them for the reduce tasks,
 *  `<dir>/<job>/<stage>/<task>.<attempt>.{run,manifest}`.
 *
 *  1. An output is kept once both files are in their place, and every partition has the hash in its
 *     manifest; from then on it never changes.
 *  2. It is not synced, so it may be lost with the disk's cache: then it is computed again, like
 *     that of a lost worker.
 *  3. It is removed with its job; uploads in progress are discarded then. */
import { createHash, type Hash as Digest, randomBytes } from "node:crypto";
import { createReadStream, readdirSync, readFileSync, renameSync, statSync } from "node:fs";
import { mkdir, open, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { ClusterError } from "../../core/error.ts";
import { type AttemptRef, attemptKey, type Hash, idNumber, type JobId } from "../../core/ids.ts";
import type { JobState } from "../../core/job.ts";
import { isFull } from "../../store/failure.ts";
import { decodeManifest, type Manifest, manifestMaxBytes } from "../../wire/block/manifest.ts";
import { KeptOutputs, type Writing } from "./kept-outputs.ts";

export type RelayedOutput = {
  readonly root: Hash;
  readonly manifest: Manifest;
  readonly manifestPath: string;
  readonly runPath: string;
};

type Expected = { readonly bytes: Buffer; readonly manifest: Manifest };

export type RelayOptions = {
  readonly dir: string;
  /** Largest run that one attempt may upload, bytes. Default 4 GiB. */
  readonly runMaxBytes?: number;
};

const runMaxDefaultBytes = 4 * 1024 ** 3;

export class Relay {
  readonly #dir: string;
  readonly #runMaxBytes: number;
  readonly #kept: KeptOutputs<RelayedOutput>;
  /** Manifests whose run has not arrived yet. */
  readonly #expected = new Map<string, Expected>();
  /** Jobs that have a folder here. */
  readonly #jobs: Set<JobId>;

  constructor(options: RelayOptions) {
    const { dir, runMaxBytes = runMaxDefaultBytes } = options;
    this.#dir = dir;
    this.#runMaxBytes = runMaxBytes;
    this.#jobs = new Set(jobsIn(dir));
    this.#kept = new KeptOutputs({
      load: () => loadFrom(dir),
      jobs: () => jobsIn(dir),
      remove: async (job) => {
        // Few jobs have one; even a look at the disk takes as long as a short task.
        if (!this.#jobs.delete(job)) return;
        await rm(join(dir, job), { recursive: true, force: true });
      },
    });
  }

  get(ref: AttemptRef): RelayedOutput | null {
    return this.#kept.get(ref);
  }

  /** The manifest must come first, so that the run can be verified as it arrives. `expected`: the
   *  root that it must have; null = any. */
  async putManifest(
    ref: AttemptRef,
    chunks: AsyncIterable<Uint8Array>,
    expected: Hash | null = null,
  ): Promise<Hash> {
    const bytes = await collect(chunks, manifestMaxBytes);
    const root = sha256(bytes);
    if (expected !== null && root !== expected) {
      throw new ClusterError("bad-request", "the manifest is not the one that was committed");
    }
    const manifest = decodeManifest(bytes);
    if (manifest.sizeBytes > this.#runMaxBytes) {
      const text = `an output of ${manifest.sizeBytes} bytes; the limit is ${this.#runMaxBytes}`;
      throw new ClusterError("limit-exceeded", text);
    }
    this.#expected.set(attemptKey(ref), { bytes, manifest });
    return root;
  }

  /** The run of the manifest that came before. Other bytes are `bad-request` and leave nothing.
   *  `isWanted`: whether the attempt may still upload it, checked when all of it has arrived. */
  async putRun(
    ref: AttemptRef,
    chunks: AsyncIterable<Uint8Array>,
    isWanted: () => boolean,
  ): Promise<RelayedOutput> {
    const key = attemptKey(ref);
    const expected = this.#expected.get(key);
    if (expected === undefined) {
      throw new ClusterError("bad-request", `put the manifest of ${key} before its run`);
    }
    this.#expected.delete(key);
    try {
      return await this.#kept.keep(ref, this.#writing(ref, chunks, expected), isWanted);
    } catch (error) {
      throw diskError(error);
    }
  }

  #writing(
    ref: AttemptRef,
    chunks: AsyncIterable<Uint8Array>,
    { bytes, manifest }: Expected,
  ): Writing<RelayedOutput> {
    const dir = join(this.#dir, ref.job, String(ref.stage));
    const base = join(dir, `${ref.task}.${ref.attempt}`);
    const temporary = `${base}.${randomBytes(6).toString("hex")}.tmp`;
    const write = async () => {
      this.#jobs.add(ref.job);
      await mkdir(dir, { recursive: true, mode: 0o700 });
      await writeChecked(temporary, chunks, manifest);
      const file = await open(`${temporary}.m`, "wx", 0o600);
      await file.writeFile(bytes).finally(() => file.close());
    };
    const root = sha256(bytes);
    const output = { root, manifest, manifestPath: `${base}.manifest`, runPath: `${base}.run` };
    return {
      root,
      written: write(),
      publish: () => {
        // The manifest last: the next start looks for manifests.
        renameSync(temporary, output.runPath);
        renameSync(`${temporary}.m`, output.manifestPath);
        return output;
      },
      // The folder is removed with the job.
      discard: async () => {
        await Promise.all([temporary, `${temporary}.m`].map((path) => rm(path, { force: true })));
      },
    };
  }

  /** The bytes of the manifest. */
  async *readManifest({ manifestPath }: RelayedOutput): AsyncGenerator<Uint8Array, void> {
    yield* createReadStream(manifestPath);
  }

  /** Bytes of one partition; none when it is empty. */
  async *read(output: RelayedOutput, partition: number): AsyncGenerator<Uint8Array, void> {
    const place = output.manifest.at(partition);
    if (place === undefined || place.sizeBytes === 0) return;
    const { offset: start, sizeBytes } = place;
    yield* createReadStream(output.runPath, { start, end: start + sizeBytes - 1 });
  }

  /** Removes jobs that are not in `running`. */
  keepOnly(running: (job: JobId) => boolean, confirm: () => Promise<unknown>): Promise<void> {
    return this.#kept.keepOnly(running, confirm);
  }

  /** Removes outputs at the end of their job. */
  async jobChanged(job: JobId, state: JobState | null): Promise<void> {
    for (const key of this.#expected.keys()) {
      if (state !== "running" && key.startsWith(`${job}/`)) this.#expected.delete(key);
    }
    await this.#kept.jobChanged(job, state);
  }
}

/** The outputs that an earlier run of the coordinator kept. */
function* loadFrom(dir: string): Generator<readonly [AttemptRef, RelayedOutput]> {
  for (const job of jobsIn(dir)) {
    for (const name of readdirSync(join(dir, job), { recursive: true }) as string[]) {
      const found = /^(\d+)\/(\d+)\.(\d+)\.manifest$/.exec(name);
      if (found === null) continue;
      const [, stage, task, attempt] = found.map(Number) as [number, number, number, number];
      const output = adopted(join(dir, job, name));
      if (output !== null) yield [{ job, stage, task, attempt }, output];
    }
  }
}

/** Null when a crash has damaged it: it is computed again when it is requested. */
function adopted(manifestPath: string): RelayedOutput | null {
  const runPath = manifestPath.replace(/manifest$/, "run");
  try {
    const bytes = readFileSync(manifestPath);
    const manifest = decodeManifest(bytes);
    if (statSync(runPath).size !== manifest.sizeBytes) return null;
    return { root: sha256(bytes), manifest, manifestPath, runPath };
  } catch {
    return null;
  }
}

function jobsIn(dir: string): JobId[] {
  try {
    return readdirSync(dir).filter((name): name is JobId => !Number.isNaN(idNumber(name)));
  } catch {
    return [];
  }
}

/** Writes the run while every partition's hash is computed. */
async function writeChecked(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  manifest: Manifest,
): Promise<void> {
  const file = await open(path, "wx", 0o600);
  const check = new PartitionCheck(manifest);
  try {
    for await (const chunk of chunks) {
      check.update(chunk);
      await file.writeFile(chunk);
    }
    check.end();
    const { size } = await stat(path);
    if (size !== manifest.sizeBytes) throw wrong("it has another size");
  } finally {
    await file.close();
  }
}

class PartitionCheck {
  readonly #manifest: Manifest;
  #index = 0;
  #left: number;
  #digest: Digest = createHash("sha256");

  constructor(manifest: Manifest) {
    this.#manifest = manifest;
    this.#left = manifest.at(0)?.sizeBytes ?? 0;
    this.#skipDone();
  }

  update(chunk: Uint8Array): void {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#index >= this.#manifest.length) throw wrong("it has more bytes");
      const part = rest.subarray(0, this.#left);
      this.#digest.update(part);
      this.#left -= part.length;
      rest = rest.subarray(part.length);
      this.#skipDone();
    }
  }

  end(): void {
    if (this.#index < this.#manifest.length) throw wrong("bytes are missing");
  }

  #skipDone(): void {
    const manifest = this.#manifest;
    while (this.#left === 0 && this.#index < manifest.length) {
      const { sha256: expected, sizeBytes } = manifest.at(this.#index)!;
      if (sizeBytes > 0) {
        if (this.#digest.digest("hex") !== expected)
          throw wrong(`partition ${this.#index} differs`);
        this.#digest = createHash("sha256");
      }
      this.#index++;
      this.#left = manifest.at(this.#index)?.sizeBytes ?? 0;
    }
  }
}

function wrong(what: string): ClusterError {
  return new ClusterError("bad-request", `the run is not what its manifest says: ${what}`);
}

async function collect(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of chunks) {
    sizeBytes += chunk.length;
    if (sizeBytes > maxBytes) {
      throw new ClusterError("limit-exceeded", `a manifest above ${maxBytes} bytes`);
    }
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

function sha256(bytes: Uint8Array): Hash {
  return createHash("sha256").update(bytes).digest("hex");
}

function diskError(error: unknown): unknown {
  if (error instanceof ClusterError || !isFull(error)) return error;
  const text =
    "the coordinator's disk is full; free space on it (`tequio rm`): the task is tried again";
  return new ClusterError("storage-full", text, { cause: error });
}
