/** The config file: found, and read. */
import { readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { ClusterError } from "../../core/error.ts";
import type { Settings, SettingsFile } from "./settings.ts";

export const configName = "tequio.config.json";

/** `$TEQUIO_CONFIG`, else the nearest in this folder and those above; null = there is none. Throws
 *  `bad-request` for one that cannot be used. */
export function readConfig(
  folder: string = process.cwd(),
  env: Readonly<Record<string, string | undefined>> = process.env,
): SettingsFile | null {
  const given = env.TEQUIO_CONFIG;
  const path = given ? resolve(folder, given) : nearest(folder);
  if (path === null) return null;
  refuseForeign(path);
  return { path, settings: settingsIn(path, textOf(path)) };
}

function nearest(folder: string): string | null {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const path = join(at, configName);
    if (statSync(path, { throwIfNoEntry: false })?.isFile()) return path;
    if (dirname(at) === at) return null;
  }
}

/** A file of another user, in a folder above, must not decide what this one starts. */
function refuseForeign(path: string): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  const own = process.getuid?.();
  if (stat === undefined || own === undefined) return;
  const isForeign = stat.uid !== own && stat.uid !== 0;
  if (!isForeign && (stat.mode & 0o022) === 0) return;
  const text = `other users of this machine can write ${path}`;
  const fix = `make it yours (chmod go-w ${path}), or set TEQUIO_CONFIG to another`;
  throw new ClusterError("bad-request", `${text}; ${fix}`);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new ClusterError("bad-request", `cannot read ${path} (${code})`, { cause });
  }
}

function settingsIn(path: string, text: string): Settings {
  const wrong = (why: string, cause?: unknown) =>
    new ClusterError("bad-request", `${path} ${why}; see \`tequio config --help\``, { cause });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw wrong(`is not JSON: ${(cause as Error).message}`, cause);
  }
  if (!isObject(value)) throw wrong("is not a JSON object");
  const { $schema: _, ...settings } = value;
  for (const [name, options] of Object.entries(settings)) {
    if (!isObject(options)) throw wrong(`has "${name}", which is not an object of options`);
  }
  return settings as Settings;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
