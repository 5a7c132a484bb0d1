/** Moves the log and the blobs of a cluster to another place: from the data directory into an
 *  engine, between engines, and back. The keys stay in the data directory.
 *
 *  1. No coordinator may lead meanwhile: both logs are held as their writer holds them.
 *  2. Blobs first, then the state, then `places.json`, which makes the new place the one that
 *     counts. Broken off, the old place counts, and another run goes on.
 *  3. What was written is read again and compared before it counts.
 *  4. The old place is kept. An engine is marked, so that no coordinator goes on there. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { ClusterError } from "../../core/error.ts";
import { defaultLeaseRules } from "../../core/lease.ts";
import type { Engine } from "../../engine/engine.ts";
import { LeaseKeeper } from "../../engine/lease-keeper.ts";
import { openEngine } from "../../engine/open.ts";
import { openBlobs, openSnapshots } from "../../engine/open-blobs.ts";
import { lockFile } from "../../store/log/lock.ts";
import type { Log } from "../../store/log/log.ts";
import { openSqliteLog } from "../../store/log/sqlite.ts";
import { clusterName } from "../data-dir.ts";
import { witnessFile } from "../leading/leadership.ts";
import { markMigrated, mustNotBeMigrated } from "../leading/migrated.ts";
import { type Places, readPlaces, writePlaces } from "../leading/places.ts";
import { shareFiles, shareToken } from "../leading/shared-files.ts";
import { encodeSnapshot, type LogEnd, replay } from "../loop/journal.ts";
import { realTimers } from "../loop/timers.ts";
import { logFile } from "./layout.ts";
import { allNeedsOf } from "./needs.ts";
import type { Progress } from "./progress.ts";

export type MigrateOptions = {
  readonly dataDir: string;
  readonly to: Places;
  readonly onProgress?: Progress;
};

export type MigrateReport = {
  readonly from: Places;
  readonly to: Places;
  readonly jobs: number;
  readonly blobs: number;
  readonly blobsCopied: number;
};

const releaseMs = 2_000;

/** Throws `conflict` when a coordinator leads, or the new place holds another state; `data-lost`
 *  for a blob that a job needs and that is gone; what the engines throw. */
export async function migrate(options: MigrateOptions): Promise<MigrateReport> {
  const dataDir = resolve(options.dataDir);
  const { onProgress = () => {}, to } = options;
  clusterName(dataDir);
  const from = readPlaces(dataDir);
  const closers = new AsyncDisposableStack();
  try {
    holdDir(dataDir, closers);
    const source = await openHeld(dataDir, from, closers);
    const end = await replay(source.log);
    const blobs = await copyBlobs({ dataDir, from, to, end, onProgress });
    if (from.log !== to.log) {
      if (to.log === undefined) setAside(dataDir);
      const target = await openHeld(dataDir, to, closers);
      await writeState(target.log, end, to);
      if (target.engine !== null) {
        await shareFiles(target.engine, dataDir, existsSync(join(dataDir, "tls.json")));
        await shareToken(target.engine, dataDir);
      }
    }
    // It has seen the positions of the old log.
    if (from.log !== to.log) rmSync(join(dataDir, witnessFile), { force: true });
    writePlaces(dataDir, to);
    if (from.log !== to.log && source.engine !== null) await markMigrated(source.engine, to.log);
    return { from, to, jobs: end.state.jobs.size, ...blobs };
  } finally {
    await closers.disposeAsync();
  }
}

function holdDir(dataDir: string, closers: AsyncDisposableStack): void {
  const lock = lockFile(join(dataDir, "engine.lock"), false);
  if (lock === null) {
    const text = `a coordinator of this machine uses ${dataDir}: stop it first, \`tequio down\``;
    throw new ClusterError("conflict", text);
  }
  closers.defer(() => lock.release());
}

type Held = { readonly log: Log; readonly engine: Engine | null };

/** As the one that may write: throws `fenced` or `conflict` while a coordinator does. */
async function openHeld(
  dataDir: string,
  places: Places,
  closers: AsyncDisposableStack,
): Promise<Held> {
  const { allowSingle = false, log: url } = places;
  if (url === undefined) {
    const log = await openSqliteLog(join(dataDir, logFile));
    closers.defer(() => log.close());
    return { log, engine: null };
  }
  const engine = await openEngine(url, { allowSingle });
  closers.defer(() => engine.close());
  await mustNotBeMigrated(engine);
  const holder = `a migration (process ${process.pid})`;
  const keeper = new LeaseKeeper({
    register: engine.lease(),
    self: `migration-${process.pid}`,
    note: holder,
    rules: { ...defaultLeaseRules, isStandby: false },
    timers: realTimers,
    name: engine.name,
  });
  closers.defer(async () => {
    await keeper.release(releaseMs);
    await keeper.stop();
  });
  await keeper.leading;
  const snapshots = await openSnapshots(places.blobs, dataDir);
  closers.defer(() => snapshots.close());
  const log = await engine.openLog({ snapshots, witness: null, holder });
  closers.defer(() => log.close());
  return { log, engine };
}

type Copying = Required<Pick<MigrateOptions, "dataDir" | "to" | "onProgress">> & {
  readonly from: Places;
  readonly end: LogEnd;
};

/** What is there already is not copied again. */
async function copyBlobs({ dataDir, end, from, onProgress, to }: Copying) {
  const source = await openBlobs(from.blobs, dataDir);
  const target = from.blobs === to.blobs ? source : await openBlobs(to.blobs, dataDir);
  let blobsCopied = 0;
  try {
    const needs = await allNeedsOf(end.state, source, dataDir);
    let done = 0;
    for (const hash of needs.keys()) {
      onProgress("blobs", done, needs.size);
      done += 1;
      if ((await target.size(hash)) !== null) continue;
      await target.put(source.read(hash), { expect: hash });
      blobsCopied += 1;
    }
    return { blobs: needs.size, blobsCopied };
  } finally {
    await source.close();
    if (target !== source) await target.close();
  }
}

/** The state as the snapshot of an empty log; read again. */
async function writeState(log: Log, end: LogEnd, { log: name = logFile }: Places): Promise<void> {
  const bytes = encodeSnapshot(end);
  const isEmpty = (await log.last()) === 0 && (await log.loadSnapshot()) === null;
  if (isEmpty) await log.saveSnapshot(0, bytes);
  const found = encodeSnapshot(await replay(log));
  if (Buffer.compare(found, bytes) === 0) return;
  if (isEmpty) {
    const text = `${name} gave another state than was written: nothing was changed, try again`;
    throw new ClusterError("storage-failed", text);
  }
  const text = `${name} holds another log: choose an empty schema, cluster or directory`;
  throw new ClusterError("conflict", text);
}

/** An older log of this directory, from before an earlier migration. */
function setAside(dataDir: string): void {
  const names = readdirSync(dataDir).filter((name) => name.startsWith("log.sqlite"));
  if (names.length === 0) return;
  let number = 1;
  while (existsSync(join(dataDir, `old-log-${number}`))) number += 1;
  const place = join(dataDir, `old-log-${number}`);
  mkdirSync(place, { mode: 0o700 });
  for (const name of names) renameSync(join(dataDir, name), join(place, name));
}
