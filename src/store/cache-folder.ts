/** The folder of this user for what can be made again: answers, builds, memories of Python. */
import { lstatSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/** `$TEQUIO_CACHE`, `$XDG_CACHE_HOME/tequio`, else `~/.cache/tequio`. */
export function cacheDir(): string {
  const { TEQUIO_CACHE: own = "", XDG_CACHE_HOME: shared = "" } = process.env;
  if (isAbsolute(own)) return own;
  return join(isAbsolute(shared) ? shared : join(homedir(), ".cache"), "tequio");
}

/** A folder in it, made when it is not there. Null: there is none that this user alone can have
 *  written into. */
export function cacheFolder(name: string): string | null {
  try {
    const dir = join(cacheDir(), name);
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const { mode, uid } = lstatSync(dir);
    const isOwn =
      process.getuid === undefined || (uid === process.getuid() && (mode & 0o022) === 0);
    return isOwn ? dir : null;
  } catch {
    return null;
  }
}

/** All but the `max` files that were written last. */
export function removeOldest(dir: string, max: number): void {
  if (max === Number.POSITIVE_INFINITY) return;
  try {
    const paths = readdirSync(dir).map((name) => join(dir, name));
    const timeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    const timed = paths.map((path) => ({ path, timeMs: timeOf(path) }));
    const old = timed.sort((a, b) => b.timeMs - a.timeMs).slice(max);
    for (const { path } of old) rmSync(path, { force: true });
  } catch {
    // The next one that is written removes them.
  }
}
