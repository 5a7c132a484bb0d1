/** Directories whose entries survive a power loss: a new name is durable once its directory is
 *  synced. */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
} from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { hit } from "./failpoint.ts";
import { placeFailure, systemCode } from "./failure.ts";

/** Creates `path` (0700) and its missing parents, durable, and checks that files can be written in
 *  it. */
export function makeDirectory(path: string): void {
  try {
    hit("directory.make", "before");
    const first = makeMissing(path);
    hit("directory.make", "after");
    if (first !== undefined) {
      for (let made = resolve(path); made.length >= first.length; made = dirname(made)) {
        hit("directory.sync", "before");
        syncDirectoryNow(dirname(made));
        hit("directory.sync", "after");
      }
    }
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw placeFailure(error, path);
  }
}

/** The topmost directory that was created; undefined when all existed. One by one: where nothing
 *  can be created (/proc), Node's own recursion never ends. */
function makeMissing(path: string): string | undefined {
  const missing: string[] = [];
  for (let at = resolve(path); !existsSync(at); at = dirname(at)) {
    missing.push(at);
    if (at === dirname(at)) break;
  }
  for (const each of missing.toReversed()) {
    try {
      mkdirSync(each, { mode: 0o700 });
    } catch (error) {
      // Another process was faster.
      if (systemCode(error) !== "EEXIST") throw error;
    }
  }
  return missing.at(-1);
}

/** Windows cannot open directories, and orders its own metadata. */
const canSync = process.platform !== "win32";

export function syncDirectoryNow(path: string): void {
  if (!canSync) return;
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

export async function syncDirectory(path: string): Promise<void> {
  if (!canSync) return;
  const directory: FileHandle = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
