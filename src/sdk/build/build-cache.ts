/** Builds of job files that were built before: loading the bundler and checking the file takes
 *  longer than all else that a small job needs of its submitter.
 *
 *  1. Only a file that imports nothing, or `tequio` alone, is kept: what else an import finds may
 *     change although no file of the build does.
 *  2. It is found by its path and its bytes, and holds while the files of this package do that went
 *     into it. Only what passed all checks is kept. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Plugin } from "rolldown";

export type KeptBuild = {
  /** The bundle. */
  readonly code: string;
  /** Absolute paths of the modules of this package in it. */
  readonly files: readonly string[];
};

/** The value kept by this name, if none of its files has changed; else what `find` finds, kept
 *  unless it is null. */
export type BuildCache = (
  name: string,
  find: () => Promise<KeptBuild | null>,
) => Promise<KeptBuild | null>;

type Source = {
  /** Absolute. */
  readonly path: string;
  readonly text: string;
};

/** Checks and bundles a job file; `seen` is to be among the bundler's plugins. */
type Build = (seen: Plugin) => Promise<string>;

/** Longer bundles are not kept, characters. */
const keptMaxChars = 1024 * 1024;

/** The bundle of a job file: of before when there is one in `cache`, else that of `build`. */
export async function builtOnce(source: Source, build: Build, cache: BuildCache): Promise<string> {
  let built: string | null = null;
  const kept = await cache(nameOf(source), async () => {
    const ids = new Set<string>();
    built = await build({ name: "seen", moduleParsed: ({ id }) => void ids.add(id) });
    if (built.length > keptMaxChars) return null;
    const { ownFilesIn } = await import("./resolve.ts");
    const files = ownFilesIn(ids, source.path);
    // The bundler has read the file by itself, perhaps after a change.
    const isSame = (await readFile(source.path, "utf8")) === source.text;
    return files === null || !isSame ? null : { code: built, files };
  });
  return built ?? kept!.code;
}

/** Checks of another version have another name: the file that this module is part of differs. */
function nameOf({ path, text }: Source): string {
  const hash = createHash("sha256").update(text).digest("hex");
  return `${hash} of ${path} built by ${import.meta.filename}`;
}
