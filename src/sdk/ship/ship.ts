/** Makes a job of functions that a program has in memory: their source travels, with what it uses
 *  of their modules; see `slice.ts`. */
import { createHash } from "node:crypto";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Plugin } from "rolldown";
import { ClusterError } from "../../core/error.ts";
import { jsonText } from "../../wire/block/json.ts";
import { bundleModule } from "../build/bundle-module.ts";
import { checkJob } from "../build/check-job.ts";
import { operatorCode } from "../build/operator-code.ts";
import { parseModule } from "../build/parse-module.ts";
import { ownModule } from "../build/resolve.ts";
import { type BuiltJob, load, readChecked } from "../bundle.ts";
import type { Parse } from "../captured/modules.ts";
import { findDefaultFunction } from "../captured/roots.ts";
import type { AnyMapReduce, AnyTasks, Job, Params } from "../job.ts";
import { type AnyFunction, type Located, locate } from "./locate.ts";
import { type Root, sliceModule } from "./slice.ts";

const entryId = "\0tequio-program";
/** Behind the path of a module of which only a slice travels. */
const sliceMark = "?tequio-slice";
const callsModule = "tequio:calls";

export type CallSettings = {
  /** What the function reads as `context.params`. */
  readonly params: Params;
  /** Limit of one task, ms; default 0 = none. */
  readonly timeoutMs?: number;
};

/** Calls of a function as a list of tasks, whose items are `CallItems`. Throws `build-failed` for
 *  what cannot travel. */
export async function shipCalls(call: AnyFunction, settings: CallSettings): Promise<BuiltJob> {
  const program = new Program();
  const name = await program.function(call, "the function");
  const code = await program.bundle(
    `import { callsOf } from "${callsModule}";\n`,
    `{ kind: "tasks", options: { items: [], run: callsOf(${name}) } }`,
  );
  return builtCalls(code, settings, program.file);
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
  return builtCalls(code, settings, path);
}

function builtCalls(code: string, settings: CallSettings, file: string): BuiltJob {
  const run = () => null;
  // What a function throws is final, so that what else ends a task would end it again.
  const options = { ...settings, items: [], run, attempts: 1 };
  return { code, hash: hashOf(code), job: { kind: "tasks", options }, file };
}

/** A job that `mapReduce`, `tasks` or an operator made in this program. */
export async function shipJob(made: Job): Promise<BuiltJob> {
  const job = checkJob(made, "the job");
  const file = join(process.cwd(), "job");
  if (job.kind === "operator") {
    return { code: operatorCode, hash: hashOf(operatorCode), job, file };
  }
  const program = new Program();
  const text = job.kind === "tasks" ? await tasksText(job, program) : await pairsText(job, program);
  const code = await program.bundle("", text);
  return { code, hash: hashOf(code), job, file: program.file };
}

/** Its items are in the plan. */
async function tasksText({ options }: AnyTasks, program: Program): Promise<string> {
  const { items: _, run, ...rest } = options;
  const code = await program.function(run, "run");
  return `{ kind: "tasks", options: { ...${plainText(rest)}, items: [], run: ${code} } }`;
}

async function pairsText({ inputs, options }: AnyMapReduce, program: Program): Promise<string> {
  const named: string[] = [];
  for (const [name, { input, map }] of Object.entries(inputs)) {
    const code = await program.function(map, name === "default" ? "map" : `${name}.map`);
    const format = input === undefined ? "" : `input: ${plainText({ ...input })}, `;
    named.push(`${JSON.stringify(name)}: { ${format}map: ${code} }`);
  }
  const parts: string[] = [];
  const rest: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (typeof value !== "function") rest[name] = value;
    else parts.push(`${name}: ${await program.function(value as AnyFunction, name)}`);
  }
  const all = [`...${plainText(rest)}`, ...parts].join(", ");
  return `{ kind: "map-reduce", inputs: { ${named.join(", ")} }, options: { ${all} } }`;
}

/** Options that are values; those that are undefined are left out. */
function plainText(options: object): string {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return jsonText(Object.fromEntries(given), "the job's options");
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
    if (typeof code !== "function") {
      throw new ClusterError("build-failed", `${role} is a ${typeof code}; give a function`);
    }
    const located = (await locate(code)) ?? asText(code, role);
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
function asText(code: AnyFunction, role: string): Located {
  const text = Function.prototype.toString.call(code);
  const isBuiltIn = /\{\s*\[native code\]\s*\}$/.test(text);
  if (isBuiltIn) {
    const name = code.name === "" ? "" : ` ${code.name}`;
    throw new ClusterError(
      "build-failed",
      `${role}${name} is built in or bound, and has no source: write (item) => … around it`,
    );
  }
  const before = /^(async\s+)?(function|class|\(|[\w$]+\s*=>|\*)/.test(text) ? "(" : "({";
  const source = `${before}${text}${before === "(" ? ")" : "})"}`;
  return { url: "", source, offset: before === "(" ? 1 : source.indexOf("(", 2) };
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
