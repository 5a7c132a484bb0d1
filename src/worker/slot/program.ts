/** What a task process runs: the modules of `process/main.ts` as one file, and the seat belt beside
 *  it. Processes are started often; one file takes half the processor time of many, and a fifth of
 *  that of their sources. It is also all that job code can read of the product. */
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export type TaskProgram = {
  /** The folder, and nothing else is in it. */
  readonly folder: string;
  /** Absolute paths of ES modules that import nothing but Node's. */
  readonly main: string;
  readonly seatBelt: string;
};

/** Modules, below `src`, by the name that each has when it is built. */
const entries = {
  "main.mjs": "worker/process/main.ts",
  "seat-belt.mjs": "worker/slot/seat-belt.ts",
} as const;
/** Where all that they import lies. */
const sourceFolders = ["core", "environment", "store", "wire", "worker"];

const here = fileURLToPath(import.meta.url);
/** `src`, or `dist`, which is built of it. */
const codeRoot = resolve(dirname(here), "../..");
/** Where `npm run build` puts it, below `dist`. */
export const builtFolder = "worker/process/program";

/** Of an installed package it is there; from the sources it is built when they have changed. */
export async function taskProgram(): Promise<TaskProgram> {
  if (!here.endsWith(".ts")) return programIn(join(codeRoot, builtFolder));
  mkdirSync(join(codeRoot, "../node_modules/.cache/tequio"), { recursive: true });
  // By the name that the permission model sees: `node_modules` may be a link.
  const cache = realpathSync(join(codeRoot, "../node_modules/.cache/tequio"));
  const folder = join(cache, `task-program-${sourceDigest()}`);
  if (existsSync(folder)) return programIn(folder);
  // Complete before it has its name: several processes may build it at once.
  const draft = mkdtempSync(join(cache, "draft-"));
  try {
    await buildTaskProgram(draft);
    // Task processes may be of other users.
    chmodSync(draft, 0o755);
    renameSync(draft, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return programIn(folder);
}

/** Builds it of the sources into a folder. */
export async function buildTaskProgram(folder: string): Promise<void> {
  const { rolldown } = await import("rolldown");
  for (const [name, source] of Object.entries(entries)) {
    const build = await rolldown({ input: join(codeRoot, source), platform: "node" });
    await build.write({ file: join(folder, name), format: "esm", codeSplitting: false });
    await build.close();
  }
}

function programIn(folder: string): TaskProgram {
  return { folder, main: join(folder, "main.mjs"), seatBelt: join(folder, "seat-belt.mjs") };
}

/** Of sizes and times, not of the bytes of half a thousand files: each start of a worker asks. */
function sourceDigest(): string {
  const hash = createHash("sha256");
  for (const folder of sourceFolders) {
    const path = join(codeRoot, folder);
    const names = readdirSync(path, { recursive: true, encoding: "utf8" }).sort();
    for (const name of names) {
      if (!name.endsWith(".ts") || name.endsWith(".test.ts")) continue;
      const { mtimeMs, size } = statSync(join(path, name));
      hash.update(`${folder}/${name}\0${size}\0${mtimeMs}\n`);
    }
  }
  return hash.digest("hex").slice(0, 32);
}
