/** Makes one module of a job file and all it imports: what travels to the workers, named by its
 *  hash. */
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import * as nodeModule from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, extname, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import type { Plugin } from "rolldown";
import { ClusterError } from "../core/error.ts";
import type { Hash } from "../core/ids.ts";
import { errorsIn, harmless, shown } from "../core/thrown.ts";
import { evaluated, Strayed, strayText } from "../environment/strays.ts";
import { evaluatedName, jobFrames, jobTexts, placeOf } from "../environment/thrown.ts";
import { type BuildCache, builtOnce } from "./build/build-cache.ts";
import { bundleModule } from "./build/bundle-module.ts";
import { checkJob } from "./build/check-job.ts";
import { buildFailure, type Place } from "./build/failure.ts";
import { operatorCode } from "./build/operator-code.ts";
import { parseModule } from "./build/parse-module.ts";
import { methodHint } from "./build/unknown-method.ts";
import type { JobFunction } from "./captured/roots.ts";
import { analyseScopes, type Scopes } from "./captured/scopes.ts";
import type { SyntaxNode } from "./captured/tree.ts";
import { lineAndColumn } from "./captured/tree.ts";
import { refuseCaptured } from "./captured.ts";
import type { Job } from "./job.ts";

export type BuiltJob = {
  /** One ES module with an inline source map; the same source gives the same text on every machine.
   *  "" for a job in Python. */
  readonly code: string;
  /** Of a job in Python what `code` is of others: a zip of its files. */
  readonly zip?: Uint8Array;
  /** The WebAssembly module that `code` runs, by itself: for workers that run nothing else. */
  readonly module?: Uint8Array;
  readonly hash: Hash;
  readonly job: Job;
  /** Absolute path of the job file. */
  readonly file: string;
};

export type BundleOptions = {
  /** Folder of packages for a job in Python; default none. */
  readonly wheels?: string | undefined;
  /** Where builds are kept; default nowhere. */
  readonly cache?: BuildCache;
  readonly evaluate?: Evaluate | undefined;
};

/** What is around the evaluation of a job file. Default: what this process has; under the judge,
 *  what workers have, for job code keeps what it makes at its top. */
export type Evaluate = <T>(use: () => Promise<T>) => Promise<T>;

const extensions = [".js", ".mjs", ".ts", ".mts"];
/** How long the module may take to load here, in ms: an `await` at its top may never end. */
export const loadMaxMs = 10_000;

/** Builds and loads a job file. `bad-request`: no such file; `build-failed`: everything else, with
 *  its place. */
export async function bundleJob(file: string, options: BundleOptions = {}): Promise<BuiltJob> {
  const { cache, evaluate, wheels } = options;
  if (extname(file) === ".py") {
    const { buildPythonJob } = await import("./python/build.ts");
    return buildPythonJob(file, wheels);
  }
  if (wheels !== undefined) {
    const text = `wheels are packages of Python, which ${basename(file)} is not`;
    throw new ClusterError("bad-request", `${text}; leave --wheels out`);
  }
  const path = resolve(file);
  const text = await readSource(path, file);
  const build = async (...plugins: Plugin[]) => {
    await checkSource(path, text, wantedJob);
    return bundleModule(path, dirname(path), plugins);
  };
  const bundled = await (cache === undefined ? build() : builtOnce({ path, text }, build, cache));
  const job = checkJob((await load(bundled, path, evaluate)).default, basename(path));
  const code = job.kind === "operator" ? operatorCode : bundled;
  const hash = createHash("sha256").update(code).digest("hex");
  return { code, hash, job, file: path };
}

async function readSource(path: string, file: string): Promise<string> {
  if (!extensions.includes(extname(path))) {
    const known = [...extensions, ".py", ".wasm"].join(", ");
    throw new ClusterError(
      "bad-request",
      `${file} is not a job file: its name must end in ${known}`,
    );
  }
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const why =
      code === "ENOENT" ? "there is no such file" : code === "EISDIR" ? "it is a directory" : code;
    throw new ClusterError("bad-request", `cannot read the job file ${file}: ${why}`, { cause });
  }
}

/** What a file must export by default, and which functions of it travel. */
type Wanted = {
  readonly hint: string;
  readonly roots?: (program: SyntaxNode, scopes: Scopes) => JobFunction[];
};

const wantedJob: Wanted = { hint: "export default mapReduce({…})" };

/** The text of a file with functions for workers, checked before anything of it runs. Throws
 *  `bad-request` when there is no such file, `build-failed` for what cannot travel. */
export async function readChecked(file: string, wanted: Wanted): Promise<void> {
  const path = resolve(file);
  await checkSource(path, await readSource(path, file), wanted);
}

/** Syntax and default export of the job file; captured variables also of the modules beside it. */
async function checkSource(path: string, source: string, { hint, roots }: Wanted): Promise<void> {
  const { parseSync } = await import("rolldown/experimental");
  const lang = path.endsWith("ts") ? "ts" : "js";
  const { program, errors, module } = parseSync(path, source, { lang, sourceType: "module" });
  const folder = dirname(path);
  const [first] = errors;
  if (first !== undefined) {
    const at = first.labels[0]?.start ?? 0;
    throw buildFailure(first.message, { file: path, ...lineAndColumn(source, at) }, folder);
  }
  const names = module.staticExports.flatMap((e) => e.entries).map((e) => e.exportName);
  if (!names.some((n) => n.kind === "Default" || n.name === "default")) {
    throw new ClusterError(
      "build-failed",
      `${basename(path)} has no default export: write \`${hint}\``,
    );
  }
  const tree = program as unknown as SyntaxNode;
  const parse = parseModule(parseSync);
  const found = roots === undefined ? {} : { roots: roots(tree, analyseScopes(tree)) };
  refuseCaptured(tree, source, path, { parse, ...found });
}

/** Evaluates a bundle in this process: what it exports. `path`: of the job file. */
export async function load(
  code: string,
  path: string,
  evaluate: Evaluate = (use) => use(),
): Promise<{ readonly default?: unknown }> {
  const folder = await mkdtemp(join(tmpdir(), "tequio-job-"));
  const copy = join(folder, evaluatedName);
  const limit = new AbortController();
  try {
    await writeFile(copy, code, { mode: 0o600 });
    // Bun has none, and maps the places of errors by itself.
    nodeModule.setSourceMapsSupport?.(true);
    const { href } = pathToFileURL(copy);
    const late = async (): Promise<never> => {
      await delay(loadMaxMs, null, { signal: limit.signal });
      const text = `did not load within ${loadMaxMs} ms: an await at its top has no end`;
      throw new ClusterError("build-failed", `${basename(path)} ${text}`);
    };
    return await evaluate(() => Promise.race([evaluated(() => import(href)), late()]));
  } catch (caught) {
    const error = harmless(caught);
    if (error instanceof ClusterError) throw error;
    const thrown = error instanceof Strayed ? harmless(error.stray.thrown) : error;
    const how = error instanceof Strayed ? `${strayText(error.stray)}, ` : "the job file threw ";
    const first = errorsIn(thrown).find((one) => placeOf(one) !== "");
    // The place of the first leads the text.
    const place = (one: Error) => (one === first ? "" : placeOf(one));
    const what = `${how}while it was loaded: ${shown(thrown, { ...jobTexts, place })}`;
    const text = `${what}${methodHint(first)}`;
    throw buildFailure(text, thrownAt(first, path, folder), dirname(path));
  } finally {
    limit.abort();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Where in the sources an error was thrown: its first stack line, mapped back from the bundle. */
function thrownAt(error: Error | undefined, path: string, folder: string): Place | null {
  const [frame = ""] = jobFrames(error);
  const [, at, line, column] = /(\/[^\s()]+):(\d+):(\d+)\)?$/.exec(frame) ?? [];
  if (at === undefined) return null;
  // The map's paths are relative to the job file, but the bundle was loaded from `folder`.
  const mapped = at.replace(`${folder}/`, `${dirname(path)}/`);
  return { file: mapped, line: Number(line), column: Number(column) };
}
