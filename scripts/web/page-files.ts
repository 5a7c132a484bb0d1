/** The files that the web page was made of, with their digests: it is built again when one of them
 *  has changed, and not when any other has. Packages are known by the lock file. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import type { Plugin } from "vite";

const lineForm = /^([0-9a-f]{64}|changed) {2}(.+)$/;

/** What a plugin reads besides the modules of the page: in `api`, where `notedIn` finds it. */
export type Reading = { readonly files: Set<string> };

/** Adds to `files` what the build reads; of the page's Workers as one of their own plugins. */
export function notedIn(files: Set<string>): Plugin {
  const readings: Reading[] = [];
  return {
    name: "page-files",
    configResolved({ configFileDependencies, plugins }) {
      for (const path of configFileDependencies) files.add(path);
      for (const { api } of plugins) {
        if ((api as Partial<Reading> | undefined)?.files instanceof Set) readings.push(api);
      }
    },
    moduleParsed({ id }) {
      files.add(id);
    },
    writeBundle() {
      for (const { files: read } of readings) for (const path of read) files.add(path);
    },
  };
}

/** The text that `isCurrent` compares: a line a file of `root`. What has changed since `sinceMs`,
 *  when they began to be read, is not what was read. */
export function filesText(root: string, files: Iterable<string>, sinceMs: number): string {
  const own = new Set<string>();
  for (const id of files) {
    const path = relative(root, (id.split("?")[0] as string).replace(/^\0/, ""));
    const isOwn =
      path !== "" && !path.startsWith("..") && !path.split(sep).includes("node_modules");
    if (!isOwn || !isFile(join(root, path))) continue;
    own.add(path);
    for (const settings of settingsAbove(root, path)) own.add(settings);
  }
  const lines = [...own].sort().map((path) => {
    const isAsRead = statSync(join(root, path)).mtimeMs < sinceMs;
    return `${isAsRead ? digestOf(join(root, path)) : "changed"}  ${path}\n`;
  });
  return lines.join("");
}

/** Whether the files are as the text says. */
export function isCurrent(root: string, text: string): boolean {
  const lines = text.split("\n").slice(0, -1);
  return (
    lines.length > 0 &&
    lines.every((line) => {
      const [, digest, path] = lineForm.exec(line) ?? [];
      return (
        path !== undefined && isFile(join(root, path)) && digestOf(join(root, path)) === digest
      );
    })
  );
}

/** Files of a folder and of those in it, by their names. */
export function filesBelow(folder: string, isWanted: (name: string) => boolean): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && isWanted(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** By which the bundler reads the file. */
function* settingsAbove(root: string, path: string): Generator<string> {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const settings = join(folder, "tsconfig.json");
    if (existsSync(join(root, settings))) yield settings;
    if (folder === ".") return;
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function digestOf(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
