/** A backup of a data directory, made while its coordinator runs or is stopped.
 *
 *  1. It holds one moment: the log as it is, the keys, every blob that a job of that log needs, and
 *     what the filesystem protocol keeps. Blobs that are there already are not copied again.
 *  2. The manifest comes last and whole. Until then, and after any failure, what the directory held
 *     before is still a good backup.
 *  3. Everything is verified on the way: damaged data is never backed up over good. */
import { copyFileSync, existsSync, readdirSync } from "node:fs";
import { chmod, mkdir, rename, rm, stat } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { ClusterError } from "../../core/error.ts";
import type { Hash, JobId } from "../../core/ids.ts";
import { type DiskBlobs, openDiskBlobs } from "../../store/blob/disk.ts";
import { makeDirectory, syncDirectory } from "../../store/directory.ts";
import { storageFailure } from "../../store/failure.ts";
import { type FileLock, lockFile } from "../../store/log/lock.ts";
import { openLogView } from "../../store/log/sqlite-view.ts";
import { clusterName, restoringDir } from "../data-dir.ts";
import { copyFilesystem } from "../filesystem-dir.ts";
import { replay } from "../loop/journal.ts";
import { blobsDir, keyFiles, logFile, manifestFile } from "./layout.ts";
import { fileHash, type Manifest, readManifest, syncFile, writeManifest } from "./manifest.ts";
import { allNeedsOf, jobsText, type Needs } from "./needs.ts";
import type { Progress } from "./progress.ts";
import { openSource, type Source } from "./source.ts";

export type BackupOptions = {
  readonly dataDir: string;
  /** Created if it is missing; may hold an earlier backup of the same cluster. */
  readonly to: string;
  /** Version of the software. */
  readonly version: string;
  readonly onProgress?: Progress;
};

export type BackupReport = {
  readonly to: string;
  readonly position: number;
  readonly jobs: number;
  readonly blobs: number;
  readonly blobsCopied: number;
  readonly bytesCopied: number;
};

/** A job may be removed with its blobs while it is being copied: then the log is read again. */
const attemptsMax = 5;
const lockName = "backup.lock";

/** Throws `conflict` (the directory holds something else), `storage-full`, `storage-failed`,
 *  `data-lost` when a blob that a job needs is missing or damaged. */
export async function backUp(options: BackupOptions): Promise<BackupReport> {
  const from = resolve(options.dataDir);
  const to = resolve(options.to);
  mustBeWhole(from);
  const cluster = clusterName(from);
  makePlace(from, to, cluster);
  const lock = locked(to);
  const source = await openSource(from).catch((error: unknown) => {
    lock.release();
    throw error;
  });
  try {
    const blobs = await openDiskBlobs(join(to, blobsDir));
    const backup = new Backup({ ...options, dataDir: from, to }, source, blobs);
    const { manifest, jobs } = await backup.copy(nextFolder(to), cluster);
    writeManifest(join(to, manifestFile), manifest);
    await forgetOld(to, manifest);
    await prune(blobs, manifest);
    const { position } = backup;
    return { to, position, jobs, blobs: manifest.blobs.length, ...backup.copied };
  } finally {
    await source.close();
    lock.release();
  }
}

class Backup {
  readonly copied = { blobsCopied: 0, bytesCopied: 0 };
  readonly #options: BackupOptions;
  /** Of the newest copy of the log, as the source counts. */
  position = 0;
  readonly #source: Source;
  readonly #blobs: DiskBlobs;

  constructor(options: BackupOptions, source: Source, blobs: DiskBlobs) {
    this.#options = options;
    this.#source = source;
    this.#blobs = blobs;
  }

  async copy(folder: string, cluster: string): Promise<{ manifest: Manifest; jobs: number }> {
    const part = join(this.#options.to, `${folder}.part`);
    for (let attempt = 1; ; attempt += 1) {
      await rm(part, { recursive: true, force: true });
      await mkdir(part, { mode: 0o700 });
      const files = await this.#copyFiles(part);
      const log = await this.#contents(part);
      const lost = await this.#copyBlobs(log.needs);
      if (lost !== null) {
        // A file that is removed moves no log.
        const mayBeGone = lost.jobs.length === 0 || (await this.#source.last()) > this.position;
        if (attempt < attemptsMax && mayBeGone) continue;
        throw lost.error;
      }
      const final = join(this.#options.to, folder);
      await rename(part, final);
      await syncDirectory(final);
      await syncDirectory(this.#options.to);
      return { manifest: await this.#manifest({ folder, cluster, files, log }), jobs: log.jobs };
    }
  }

  /** Keys before the log: the log may not have a newer admin token than the copied file. */
  async #copyFiles(part: string): Promise<Manifest["files"]> {
    const { dataDir } = this.#options;
    const names: string[] = keyFiles.filter((name) => existsSync(join(dataDir, name)));
    for (const name of names) {
      try {
        copyFileSync(join(dataDir, name), join(part, name));
      } catch (error) {
        throw storageFailure(error, `the copy of ${name}`);
      }
    }
    // What they name of jobs is in the log that is copied after them.
    for (const name of copyFilesystem(dataDir, part)) names.push(name);
    this.position = await this.#source.copyLog(join(part, logFile));
    const files: Manifest["files"] = [];
    for (const name of [...names, logFile]) {
      const path = join(part, name);
      await chmod(path, 0o600);
      syncFile(path);
      const { size: sizeBytes } = await stat(path);
      files.push({ name, sizeBytes, sha256: await fileHash(path) });
    }
    return files;
  }

  /** What the copy says, read as a start would read it: throws at a damaged record. */
  async #contents(part: string) {
    const view = openLogView(join(part, logFile));
    try {
      const { state, position } = await replay(view);
      const needs = await allNeedsOf(state, this.#source.blobs, part);
      return { position, needs, format: view.format, jobs: state.jobs.size };
    } finally {
      view.close();
    }
  }

  /** Null, or what became of a blob that is needed. */
  async #copyBlobs(needs: Needs): Promise<LostBlob | null> {
    const { onProgress = () => {} } = this.#options;
    let done = 0;
    for (const [hash, jobs] of needs) {
      onProgress("blobs", done, needs.size);
      done += 1;
      if (await this.#has(hash)) continue;
      try {
        const put = await this.#blobs.put(this.#source.blobs.read(hash), { expect: hash });
        this.copied.blobsCopied += 1;
        this.copied.bytesCopied += put.sizeBytes;
      } catch (error) {
        if (!(error instanceof ClusterError)) throw error;
        if (error.code !== "not-found" && error.code !== "data-lost") throw error;
        const what = error.code === "not-found" ? `blob ${hash} is missing` : error.text;
        return { jobs, error: lostError(what, jobs) };
      }
    }
    return null;
  }

  /** One of the wrong size is put again. */
  async #has(hash: Hash): Promise<boolean> {
    try {
      return (await this.#blobs.size(hash)) !== null;
    } catch (error) {
      if (error instanceof ClusterError && error.code === "data-lost") return false;
      throw error;
    }
  }

  async #manifest(of: {
    readonly folder: string;
    readonly cluster: string;
    readonly files: Manifest["files"];
    readonly log: { position: number; needs: Needs; format: number };
  }): Promise<Manifest> {
    const blobs: Manifest["blobs"] = [];
    for (const hash of of.log.needs.keys()) {
      blobs.push({ hash, sizeBytes: (await this.#blobs.size(hash)) ?? 0 });
    }
    return {
      format: 1,
      version: this.#options.version,
      madeAt: new Date().toISOString(),
      cluster: of.cluster,
      logFormat: of.log.format,
      position: of.log.position,
      folder: of.folder,
      files: of.files,
      blobs,
    };
  }
}

type LostBlob = { readonly jobs: readonly JobId[]; readonly error: ClusterError };

function lostError(what: string, jobs: readonly JobId[]): ClusterError {
  const [needer, way] =
    jobs.length === 0
      ? ["a file of the filesystem protocol", "send it again or remove its job with REMOVEJOB"]
      : [jobsText(jobs), "remove the job with `tequio rm`"];
  const text = `${what}, and ${needer} cannot be backed up without it: ${way}, then back up again`;
  return new ClusterError("data-lost", text);
}

function mustBeWhole(from: string): void {
  if (!existsSync(join(from, restoringDir))) return;
  const text = `${from} is the place of a restore that has not ended: restore it again first`;
  throw new ClusterError("conflict", text);
}

/** Creates the directory, and checks that it holds nothing but a backup of this cluster. */
function makePlace(from: string, to: string, cluster: string): void {
  const inside = relative(from, to);
  if (inside === "" || !inside.startsWith("..")) {
    const text = `${to} is within the data directory: choose another place, best on another disk`;
    throw new ClusterError("bad-request", text);
  }
  makeDirectory(to);
  const path = join(to, manifestFile);
  const before = existsSync(path) ? readManifest(path) : null;
  const known = /^(state-[0-9]+(\.part)?|blobs|backup\.lock|manifest\.json(\.[0-9]+\.part)?)$/;
  const foreign = readdirSync(to).find((name) => !known.test(name));
  if (foreign !== undefined) {
    const text = `${to} holds something else (${foreign}): choose an empty directory`;
    throw new ClusterError("conflict", text);
  }
  if (before === null || before.cluster === cluster) return;
  const text = `${to} holds a backup of another cluster, of ${before.madeAt}`;
  throw new ClusterError("conflict", `${text}: choose an empty directory`);
}

function locked(to: string): FileLock {
  const lock = lockFile(join(to, lockName), false);
  if (lock !== null) return lock;
  throw new ClusterError("conflict", `another backup writes to ${to}: wait until it has ended`);
}

function nextFolder(to: string): string {
  const used = readdirSync(to).map((name) => Number(/^state-([0-9]+)/.exec(name)?.[1] ?? 0));
  return `state-${used.reduce((last, number) => Math.max(last, number), 0) + 1}`;
}

/** Removes all states but the current one. */
async function forgetOld(to: string, now: Manifest): Promise<void> {
  for (const name of readdirSync(to)) {
    if (!name.startsWith("state-") || name === now.folder) continue;
    await rm(join(to, name), { recursive: true, force: true });
  }
}

async function prune(blobs: DiskBlobs, { blobs: kept }: Manifest): Promise<void> {
  const names = new Set(kept.map(({ hash }) => hash));
  for await (const hash of blobs.list()) if (!names.has(hash)) await blobs.delete(hash);
}
