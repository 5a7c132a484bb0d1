/** Restores a data directory from a backup.
 *
 *  1. The directory must be empty, and is unusable (`up` refuses it) until everything is in place.
 *  2. Everything is verified in its place: the hashes of the manifest, every record, every blob.
 *  3. The keys for attempts are new: see `renewKeys`. */
import { copyFileSync, existsSync, readdirSync } from "node:fs";
import { chmod, mkdir, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { ClusterError } from "../../core/error.ts";
import { openDiskBlobs, viewDiskBlobs } from "../../store/blob/disk.ts";
import { makeDirectory, syncDirectory } from "../../store/directory.ts";
import { storageFailure } from "../../store/failure.ts";
import { openLogView } from "../../store/log/sqlite-view.ts";
import { renewKeys, restoringDir } from "../data-dir.ts";
import { filesystemDir } from "../filesystem-dir.ts";
import { replay } from "../loop/journal.ts";
import { blobsDir, type Layout, layoutOf, logFile } from "./layout.ts";
import { fileHash, type Manifest, syncFile } from "./manifest.ts";
import { allNeedsOf } from "./needs.ts";
import type { Progress } from "./progress.ts";

export type RestoreOptions = {
  /** A backup. */
  readonly from: string;
  /** Created if it is missing. */
  readonly dataDir: string;
  readonly onProgress?: Progress;
};

export type RestoreReport = {
  readonly dataDir: string;
  readonly madeAt: string;
  readonly position: number;
  readonly jobs: number;
  readonly blobs: number;
};

/** Throws `not-found` (no backup there), `conflict` (the directory is not empty), `storage-failed`
 *  or `data-lost` (the backup is damaged; names the place), `storage-full`. */
export async function restore(options: RestoreOptions): Promise<RestoreReport> {
  const dataDir = resolve(options.dataDir);
  const layout = layoutOf(options.from);
  const { manifest } = layout;
  if (manifest === null) {
    const text = `${options.from} is a data directory, not a backup: \`tequio backup\` makes one`;
    throw new ClusterError("bad-request", text);
  }
  makeEmpty(dataDir);
  const part = join(dataDir, restoringDir);
  try {
    await mkdir(part, { mode: 0o700 });
    await copyFiles(layout, manifest, part);
    await copyBlobs(layout, manifest, { part, onProgress: options.onProgress ?? (() => {}) });
    const jobs = await mustBeComplete(part, manifest);
    renewKeys(part);
    await moveInto(part, dataDir);
    const { madeAt, position } = manifest;
    return { dataDir, madeAt, position, jobs, blobs: manifest.blobs.length };
  } catch (error) {
    // Nothing has been used yet; after this the directory is empty, so that a restore can be
    // retried at once.
    const names = manifest.files.map(({ name }) => name);
    for (const name of [restoringDir, blobsDir, filesystemDir, ...names]) {
      await rm(join(dataDir, name), { recursive: true, force: true });
    }
    throw storageFailure(error, `the restore of ${dataDir}`);
  }
}

function makeEmpty(dataDir: string): void {
  makeDirectory(dataDir);
  const [first] = readdirSync(dataDir);
  if (first === undefined) return;
  const reason = first === restoringDir ? "a restore was interrupted there" : `it holds ${first}`;
  const text = `${dataDir} is not empty (${reason}): move its contents away, or choose another`;
  throw new ClusterError("conflict", text);
}

/** Hashed after the copy, so that the copy is verified. */
async function copyFiles(layout: Layout, manifest: Manifest, part: string): Promise<void> {
  for (const { name, sha256 } of manifest.files) {
    const from = join(layout.keys, name);
    const to = join(part, name);
    if (!existsSync(from)) throw damaged(layout, `${name} is missing`);
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    copyFileSync(from, to);
    await chmod(to, 0o600);
    syncFile(to);
    if ((await fileHash(to)) !== sha256) throw damaged(layout, `${name} has changed`);
  }
}

async function copyBlobs(
  layout: Layout,
  manifest: Manifest,
  { part, onProgress }: { readonly part: string; readonly onProgress: Progress },
): Promise<void> {
  const from = viewDiskBlobs(layout.blobs);
  const to = await openDiskBlobs(join(part, blobsDir));
  for (const [done, { hash }] of manifest.blobs.entries()) {
    onProgress("blobs", done, manifest.blobs.length);
    try {
      await to.put(from.read(hash), { expect: hash });
    } catch (error) {
      const isTheirs = error instanceof ClusterError && error.code === "not-found";
      throw isTheirs ? damaged(layout, `blob ${hash} is missing`) : error;
    }
  }
  await to.close();
}

function damaged({ keys }: Layout, what: string): ClusterError {
  const text = `the backup of ${keys} is damaged, ${what}: \`tequio check\` lists what else is`;
  return new ClusterError("storage-failed", text);
}

/** The number of jobs, once all that they need is there. */
async function mustBeComplete(part: string, manifest: Manifest): Promise<number> {
  const view = openLogView(join(part, logFile));
  try {
    const problem = view.problems()[0];
    if (problem !== undefined) throw new ClusterError("storage-failed", `the log: ${problem}`);
    const { state, position } = await replay(view);
    const blobs = viewDiskBlobs(join(part, blobsDir));
    for (const hash of (await allNeedsOf(state, blobs, part)).keys()) {
      if ((await blobs.size(hash)) !== null) continue;
      throw new ClusterError("data-lost", `the backup lacks blob ${hash}: use another one`);
    }
    if (position === manifest.position) return state.jobs.size;
    const text = `the log ends at record ${position}, not at ${manifest.position}`;
    throw new ClusterError("storage-failed", `${text}: use another backup`);
  } finally {
    view.close();
  }
}

/** The marker is removed last: a directory that has it is not used. */
async function moveInto(part: string, dataDir: string): Promise<void> {
  for (const name of readdirSync(part)) await rename(join(part, name), join(dataDir, name));
  await syncDirectory(dataDir);
  await rm(part, { recursive: true });
  await syncDirectory(dataDir);
}
