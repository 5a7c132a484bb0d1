/** What was found out about this machine by starting processes, kept in a folder of the user: each
 *  start of a worker would start a dozen of them again.
 *
 *  1. Only what works is kept: what does not is tried again.
 *  2. It holds as long as nothing has changed that it depends on.
 *  3. A folder into which others can write is neither read nor written. */
import { createHash } from "node:crypto";
import { readFileSync, readlinkSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { dirname, join } from "node:path";
import { cacheDir, cacheFolder, removeOldest } from "../../store/cache-folder.ts";

/** How long one such process may take, ms. A machine that is very busy takes seconds for what takes
 *  ms otherwise, and must not be taken for one that has no Python or no sandbox. */
export const probeMaxMs = 60_000;

type Kept = { readonly stamp: string; readonly value: unknown };

export type Probe<T> = {
  /** What was looked for, and where. */
  readonly name: string;
  /** All that the answer depends on: equal texts, equal answers. */
  readonly stampOf: (value: T) => string;
  /** Null: it does not work here. */
  readonly find: () => Promise<T | null>;
  /** Where it is kept; default: `probed`, which keeps all. */
  readonly folder?: Folder;
};

/** Below the folder of caches. */
export type Folder = {
  readonly name: string;
  /** Answers kept, those written last. */
  readonly keptMax: number;
};

const probes: Folder = { name: "probed", keptMax: Number.POSITIVE_INFINITY };

/** The answer of before if it still holds, else a new one. `T` is JSON. */
export async function remembered<T>(probe: Probe<T>): Promise<T | null> {
  const { find, folder = probes, name, stampOf } = probe;
  const path = pathOf(name, folder);
  const kept = path === null ? null : read(path);
  if (kept !== null && stampOf(kept.value as T) === kept.stamp) return kept.value as T;
  const value = await find();
  if (value !== null && path !== null) {
    write(path, { stamp: stampOf(value), value });
    removeOldest(dirname(path), folder.keptMax);
  }
  return value;
}

/** Something that should work does not: the next start finds out again. */
export function forgetRemembered(): void {
  rmSync(join(cacheDir(), probes.name), { recursive: true, force: true });
}

/** Null: there is no folder of this user alone. */
function pathOf(name: string, folder: Folder): string | null {
  const dir = cacheFolder(folder.name);
  const hash = createHash("sha256").update(name).digest("hex").slice(0, 32);
  return dir === null ? null : join(dir, `${hash}.json`);
}

function read(path: string): Kept | null {
  try {
    const kept = JSON.parse(readFileSync(path, "utf8")) as Partial<Kept> | null;
    return typeof kept?.stamp === "string" ? (kept as Kept) : null;
  } catch {
    return null;
  }
}

/** Workers that start together write the same. A disk that takes nothing costs time alone. */
function write(path: string, kept: Kept): void {
  const draft = `${path}.${process.pid}`;
  try {
    writeFileSync(draft, JSON.stringify(kept), { mode: 0o600 });
    renameSync(draft, path);
  } catch {
    // The next start asks again.
  }
}

/** Of files and folders: another time or size is another stamp. */
export function stampOfFiles(paths: readonly string[]): string {
  return paths
    .map((path) => {
      const found = statSync(path, { throwIfNoEntry: false });
      return `${path} ${found === undefined ? "-" : `${found.mtimeMs} ${found.size} ${found.ino}`}`;
    })
    .join("\n");
}

/** What decides which sandboxes this process can make: the kernel since its start, the settings for
 *  user namespaces, the namespaces and rights that this process has itself. */
export function stampOfRights(): string {
  const status = textOf("/proc/self/status").match(/^(?:Cap|NoNewPrivs|Seccomp).*$/gm) ?? [];
  const settings = [
    "/proc/sys/kernel/random/boot_id",
    "/proc/sys/kernel/unprivileged_userns_clone",
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
    "/proc/sys/user/max_user_namespaces",
    "/proc/self/attr/current",
  ];
  const spaces = ["user", "mnt", "pid"].map((space) => linkOf(`/proc/self/ns/${space}`));
  const user = `${process.getuid?.()} ${process.getgid?.()} ${process.umask()}`;
  const node = stampOfFiles([process.execPath]);
  return [release(), user, node, ...status, ...settings.map(textOf), ...spaces].join("\n");
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
