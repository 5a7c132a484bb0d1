/** The log and the blobs of a data directory as upkeep reads them, wherever they lie, while the
 *  coordinator runs or not. */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { openEngine } from "../../engine/open.ts";
import { isS3, openBlobs, openSnapshots } from "../../engine/open-blobs.ts";
import type { Blobs } from "../../store/blob/blob.ts";
import { viewDiskBlobs } from "../../store/blob/disk.ts";
import type { Log } from "../../store/log/log.ts";
import { openSqliteLog } from "../../store/log/sqlite.ts";
import { copyLog, openLogView } from "../../store/log/sqlite-view.ts";
import { type Places, readPlaces } from "../leading/places.ts";
import { encodeSnapshot, replay } from "../loop/journal.ts";
import { blobsDir, logFile } from "./layout.ts";

export type BlobSource = Pick<Blobs, "size" | "read" | "list">;

export type EngineLog = Pick<Log, "read" | "last" | "loadSnapshot">;

export type Source = {
  readonly blobs: BlobSource;
  /** Of a log in an engine; null = it is a file of the directory. */
  readonly engine: { readonly name: string; readonly log: EngineLog } | null;
  /** Last position now. */
  last(): Promise<number>;
  /** The log as it is now as a file; resolves with its last position here. From an engine it is one
   *  snapshot of the state, at position 0. `to` must not exist. */
  copyLog(to: string): Promise<number>;
  close(): Promise<void>;
};

/** Throws what the engines throw. */
export async function openSource(dataDir: string): Promise<Source> {
  const places = readPlaces(dataDir);
  const closers = new AsyncDisposableStack();
  const close = () => closers.disposeAsync();
  try {
    const blobs = await openView(places, dataDir, closers);
    if (places.log === undefined) return { ...fileLog(join(dataDir, logFile)), blobs, close };
    const { allowSingle = false, log: url } = places;
    const engine = await openEngine(url, { allowSingle });
    closers.defer(() => engine.close());
    const snapshots = await openSnapshots(places.blobs, dataDir);
    closers.defer(() => snapshots.close());
    const log = await engine.followLog(snapshots);
    closers.defer(() => log.close());
    return {
      blobs,
      engine: { name: engine.name, log },
      last: () => log.last(),
      copyLog: (to) => writeState(log, to),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A store that holds nothing yet may not exist. */
export function viewBlobs(dir: string): BlobSource {
  const view = viewDiskBlobs(dir);
  return {
    size: (hash) => view.size(hash),
    read: (hash, range) => view.read(hash, range),
    async *list() {
      if (existsSync(dir)) yield* view.list();
    },
  };
}

async function openView(
  { blobs }: Places,
  dataDir: string,
  closers: AsyncDisposableStack,
): Promise<BlobSource> {
  if (!isS3(blobs)) return viewBlobs(blobs ?? join(dataDir, blobsDir));
  const opened = await openBlobs(blobs, dataDir);
  closers.defer(() => opened.close());
  return opened;
}

function fileLog(path: string): Pick<Source, "engine" | "last" | "copyLog"> {
  const last = (of: string) => {
    const view = openLogView(of);
    try {
      return view.head.last;
    } finally {
      view.close();
    }
  };
  return {
    engine: null,
    last: async () => last(path),
    async copyLog(to) {
      copyLog(path, to);
      return last(to);
    },
  };
}

async function writeState(log: EngineLog, to: string): Promise<number> {
  const end = await replay(log);
  const part = await mkdtemp(join(dirname(to), "log-"));
  try {
    const path = join(part, logFile);
    const file = await openSqliteLog(path);
    await file.saveSnapshot(0, encodeSnapshot(end));
    await file.close();
    copyLog(path, to);
  } finally {
    await rm(part, { recursive: true, force: true });
  }
  return end.position;
}
