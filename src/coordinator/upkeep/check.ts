/** Verifies a data directory or a backup without changing it: every record, the snapshot, the keys
 *  and every blob. It continues after damage, so that all damage is reported, with the affected
 *  jobs.
 *
 *  A coordinator may run on the directory meanwhile. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { CoordinatorState } from "../../core/coordinator.ts";
import { ClusterError } from "../../core/error.ts";
import { tokenRecords } from "../../core/view.ts";
import { clusterKeys } from "../data-dir.ts";
import { filesystemFiles, filesystemProblem } from "../filesystem-dir.ts";
import { checkEngineLog } from "./check-engine.ts";
import { type CheckedLog, checkLog } from "./check-log.ts";
import type { Damage } from "./damage.ts";
import { keyFiles, type Layout, layoutOf, manifestFile } from "./layout.ts";
import { fileHash } from "./manifest.ts";
import { allNeedsOf, type Needs, needsOf } from "./needs.ts";
import type { Progress } from "./progress.ts";
import { type BlobSource, openSource, type Source, viewBlobs } from "./source.ts";

export type CheckReport = {
  readonly dir: string;
  readonly isBackup: boolean;
  /** Last record. */
  readonly position: number;
  readonly records: number;
  readonly blobs: number;
  readonly sizeBytes: number;
  readonly damages: readonly Damage[];
};

/** Throws `not-found` for a directory that is neither a data directory nor a backup. */
export async function checkDir(dir: string, onProgress: Progress = () => {}): Promise<CheckReport> {
  const layout = layoutOf(dir);
  if (layout.manifest !== null) {
    return report(dir, { layout, blobs: viewBlobs(layout.blobs), engine: null }, onProgress);
  }
  const source = await openSource(layout.keys);
  try {
    return await report(dir, { layout, ...source }, onProgress);
  } finally {
    await source.close();
  }
}

type Checked = Pick<Source, "blobs" | "engine"> & { readonly layout: Layout };

function checkedLog({ engine, layout }: Checked, onProgress: Progress): Promise<CheckedLog> {
  return engine === null ? checkLog(layout.log, onProgress) : checkEngineLog(engine, onProgress);
}

async function report(dir: string, checked: Checked, onProgress: Progress): Promise<CheckReport> {
  const { layout } = checked;
  const log = await checkedLog(checked, onProgress);
  const files = await checkFiles(layout, log);
  const blobs = await checkBlobs(checked, log.state, onProgress);
  return {
    dir,
    isBackup: layout.manifest !== null,
    position: log.position,
    records: log.records,
    blobs: blobs.count,
    sizeBytes: log.sizeBytes + blobs.sizeBytes,
    damages: [...log.damages, ...files, ...blobs.damages],
  };
}

/** The administrator's token of this machine's user must be one that the log knows. */
function checkAdminToken(path: string, { damages, state }: CheckedLog): void {
  // A damaged log no longer knows all tokens.
  if (damages.length > 0) return;
  const hash = createHash("sha256").update(readFileSync(path, "utf8").trim()).digest("hex");
  if (tokenRecords(state).some((token) => token.role === "admin" && token.hash === hash)) return;
  const text =
    "is not a token of this cluster, so it is damaged or replaced; the next start makes one";
  throw new ClusterError("storage-failed", text);
}

async function checkFiles({ keys, manifest }: Layout, log: CheckedLog): Promise<Damage[]> {
  const damages: Damage[] = [];
  const damage = (name: string, problem: string) =>
    damages.push({ kind: "file", name, problem, jobs: [] });
  if (manifest === null) {
    for (const name of keyFiles) {
      const path = join(keys, name);
      try {
        if (name === "cluster.json") {
          if (!existsSync(path))
            damage(name, "is missing: workers will not recognise this cluster");
          else clusterKeys(keys);
        } else if (!existsSync(path)) continue;
        else if (name === "admin.token") checkAdminToken(path, log);
        else JSON.parse(readFileSync(path, "utf8"));
      } catch (error) {
        damage(name, error instanceof ClusterError ? error.text : "is damaged");
      }
    }
    for (const name of filesystemFiles(keys)) {
      const problem = filesystemProblem(keys, name);
      if (problem !== null) damage(name, problem);
    }
    return damages;
  }
  for (const { name, sha256 } of manifest.files) {
    const path = join(keys, name);
    if (!existsSync(path)) damage(name, `is missing, ${manifestFile} names it`);
    else if ((await fileHash(path)) !== sha256) damage(name, "is not what was backed up");
  }
  return damages;
}

type CheckedBlobs = { count: number; sizeBytes: number; damages: Damage[] };

async function checkBlobs(
  of: Checked,
  state: CoordinatorState,
  onProgress: Progress,
): Promise<CheckedBlobs> {
  const { blobs: view, layout } = of;
  const needs = await needed(layout, state, view);
  const names = new Set<string>(needs.keys());
  for (const { hash } of layout.manifest?.blobs ?? []) names.add(hash);
  for await (const hash of view.list()) names.add(hash);
  const checked: CheckedBlobs = { count: 0, sizeBytes: 0, damages: [] };
  for (const hash of names) {
    onProgress("blobs", checked.count, names.size);
    checked.count += 1;
    try {
      for await (const chunk of view.read(hash)) checked.sizeBytes += chunk.byteLength;
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
      // An unneeded blob may be deleted during the check.
      if (error.code === "not-found" && !needs.has(hash) && layout.manifest === null) continue;
      const problem = error.code === "not-found" ? "is missing" : error.text;
      checked.damages.push({ kind: "blob", name: hash, problem, jobs: needs.get(hash) ?? [] });
    }
  }
  checked.damages = await stillNeeded(of, checked.damages);
  return checked;
}

/** A catalogue that cannot be read is named among the files. */
async function needed(layout: Layout, state: CoordinatorState, view: BlobSource): Promise<Needs> {
  try {
    return await allNeedsOf(state, view, layout.keys);
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    return needsOf(state, view);
  }
}

/** A job that was removed while we looked has taken its blobs along. */
async function stillNeeded(checked: Checked, damages: Damage[]): Promise<Damage[]> {
  const { blobs: view, layout } = checked;
  const isGone = ({ problem }: Damage) => problem === "is missing";
  if (layout.manifest !== null || !damages.some(isGone)) return damages;
  const { state } = await checkedLog(checked, () => {});
  const needs = await needed(layout, state, view);
  return damages.filter((damage) => !isGone(damage) || needs.has(damage.name));
}
