/** Makes a job of functions that a program has in memory: their source travels, with what it uses
 *  of their modules; see `slice.ts`. */
import { createHash } from "node:crypto";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Plugin } from "rolldown";
import { ClusterError } from "../../core/error.ts";
import { bundleModule } from "../build/bundle-module.ts";
import { checkJob } from "../build/check-job.ts";
import { operatorCode } from "../build/operator-code.ts";
import { parseModule } from "../build/parse-module.ts";
import { ownModule } from "../build/resolve.ts";
import { type BuiltJob, load, readChecked } from "../bundle.ts";
import type { Parse } from "../captured/modules.ts";
import { findDefaultFunction } from "../captured/roots.ts";
import type { Job } from "../job.ts";
import { aloneText, checkFunction } from "./alone.ts";
import { type CallSettings, jobOfCalls, jobText } from "./job-text.ts";
import { type AnyFunction, type Located, locate } from "./locate.ts";
import { type Root, sliceModule } from "./slice.ts";

const entryId = "\0tequio-program";
/** Behind the path of a module of which only a slice travels. */
const sliceMark = "?tequio-slice";
const callsModule = "tequio:calls";

/** Calls of a function as a list of tasks, whose items are `CallItems`. Throws `build-failed` for
 *  what cannot travel. */
export async function shipCalls(call: AnyFunction, settings: CallSettings): Promise<BuiltJob> {
  const program = new Program();
  const name = await program.function(call, "the function");
  const code = await program.bundle(
    `import { callsOf } from "${callsModule}";\n`,
    `{ kind: "tasks", options: { items: [], run: callsOf(${name}) } }`,
  );
  return { code, hash: hashOf(code), job: jobOfCalls(settings), file: program.file };
}

/** The same of the function that a file exports by default. */
export async function shipFile(file: string, settings: CallSettings): Promise<BuiltJob> {
  const path = resolve(file);
  const hint = "export default (line) => …";
  await readChecked(file, { hint, roots: findDefaultFunction });
  const entry = [
    `import { callsOf } from "${callsModule}";`,
    `import call from ${JSON.stringify(path)};`,
    "export { call };",
    'export default { kind: "tasks", options: { items: [], run: callsOf(call) } };',
  ];
  const plugin = entryPlugin(entry.join("\n"), new Map());
  const code = await bundleModule(entryId, dirname(path), [plugin]);
  const { call } = (await load(code, path)) as { readonly call?: unknown };
  if (typeof call !== "function") {
    const text = `${basename(file)} exports no function by default: write`;
    throw new ClusterError("build-failed", `${text} \`${hint}\``);
  }
  return { code, hash: hashOf(code), job: jobOfCalls(settings), file: path };
}

/** A job that `mapReduce`, `tasks` or an operator made in this program. */
export async function shipJob(made: Job): Promise<BuiltJob> {
  const job = checkJob(made, "the job");
  const file = join(process.cwd(), "job");
  if (job.kind === "operator") {
    return { code: operatorCode, hash: hashOf(operatorCode), job, file };
  }
  const program = new Program();
  const text = await jobText(job, (...called) => program.function(...called));
  const code = await program.bundle("", text);
  return { code, hash: hashOf(code), job, file: program.file };
}

function hashOf(code: string): string {
  return createHash("sha256").update(code).digest("hex");
}

type Sliced = { readonly located: Located; readonly path: string; readonly roots: Root[] };

/** The modules of which functions travel. */
class Program {
  readonly #modules: Sliced[] = [];

  /** Of the module that is named first; in its folder packages are looked for. */
  get file(): string {
    return this.#modules[0]?.path ?? join(process.cwd(), "program.js");
  }

  /** The name of the function in the bundle's entry. */
  async function(code: AnyFunction, role: string): Promise<string> {
    checkFunction(code, role);
    const located = (await locate(code)) ?? asModule(code, role);
    const { offset, source, url } = located;
    const path = url.startsWith("file:") ? fileURLToPath(url) : join(process.cwd(), "program.js");
    let index = this.#modules.findIndex(
      (one) => one.path === path && one.located.source === source,
    );
    if (index === -1) index = this.#modules.push({ located, path, roots: [] }) - 1;
    const { roots } = this.#modules[index]!;
    let at = roots.findIndex((root) => root.offset === offset);
    if (at === -1) at = roots.push({ role, offset }) - 1;
    return `slice${index}.function${at}`;
  }

  /** `job`: its text, in terms of what `function` returned. */
  async bundle(imports: string, job: string): Promise<string> {
    const { parseSync } = await import("rolldown/experimental");
    const parse = parseModule(parseSync);
    const slices = new Map<string, string>();
    let text = imports;
    for (const [index, { located, path, roots }] of this.#modules.entries()) {
      const id = `${path}${sliceMark}${index}`;
      slices.set(id, sliceOf(located.source, path, { roots, parse }));
      text += `import * as slice${index} from ${JSON.stringify(id)};\n`;
    }
    const folder = dirname(this.file);
    const plugin = entryPlugin(`${text}export default ${job};\n`, slices);
    return bundleModule(entryId, folder, [plugin]);
  }
}

/** Where the engine does not know the place, a function is its text, with nothing around it. */
function asModule(code: AnyFunction, role: string): Located {
  const { source, offset } = aloneText(code, role);
  return { url: "", source, offset };
}

function sliceOf(
  source: string,
  path: string,
  { parse, roots }: { readonly parse: Parse; readonly roots: readonly Root[] },
): string {
  const name = path.replace(/\.[cm]?tsx?$/, ".js");
  const program = parse(name, source);
  if (program === null) {
    const text = `${basename(path)} is no ES module as it was loaded: give a job file instead`;
    throw new ClusterError("build-failed", text);
  }
  return sliceModule({ path, source, program }, roots, parse);
}

/** Knows the entry, the slices, and what calls functions. Imports of a slice are those of its
 *  module. */
function entryPlugin(entry: string, slices: ReadonlyMap<string, string>): Plugin {
  return {
    name: "program",
    resolveId(source, importer, options) {
      if (source === entryId || slices.has(source)) return source;
      if (source === callsModule) return ownModule("sdk/ship/calls");
      if (importer === entryId) return source;
      const [module] = importer?.split(sliceMark) ?? [];
      if (importer === undefined || module === importer) return null;
      return this.resolve(source, module, options);
    },
    load(id) {
      if (id === entryId) return { code: entry, moduleType: "js" };
      const code = slices.get(id);
      return code === undefined ? null : { code, moduleType: "js" };
    },
  };
}
