/** What the Try page needs besides itself: the code of its job's Worker as text, the SDK that goes
 *  into each bundle, and the types that its editor knows. A part of the web page's build. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { rolldown } from "rolldown";
import ts from "typescript";
import type { Plugin } from "vite";
import type { Reading } from "./page-files.ts";

const root = dirname(dirname(import.meta.dirname));
const nodeShims = join(root, "src", "worker", "browser", "node-shims");
const sdk = join(root, "src", "sdk", "page");
const pagePython = join(root, "src", "worker", "browser", "task", "python", "page.ts");
/** What a Worker of the page has instead of Node's modules. */
const present: Readonly<Record<string, string>> = {
  "node:fs": join(sdk, "files.ts"),
  "node:path": join(sdk, "paths.ts"),
};
/** A Worker of the page reads its files in place, keeps none, and unpacks none. */
const absent: Readonly<Record<string, readonly string[]>> = {
  "node:fs": ["createReadStream", "readFileSync", "statSync"],
  "node:fs/promises": ["mkdtemp", "open", "rm"],
  "node:os": ["tmpdir"],
  "node:path": ["join", "resolve"],
  "node:zlib": ["gunzipSync", "zstdDecompressSync"],
};
const entry = "job-worker-entry";

const resolving = {
  name: "job-worker",
  resolveId(id: string) {
    if (id === entry) return id;
    if (id in absent) return `\0${id}`;
    return id.startsWith("node:") ? join(nodeShims, `${id.slice("node:".length)}.ts`) : null;
  },
  load(id: string) {
    if (id === entry) {
      const from = (path: string) => JSON.stringify(path);
      return [
        `import ${from(join(nodeShims, "install.ts"))};`,
        `import { startPagePython } from ${from(pagePython)};`,
        `import { serve } from ${from(join(sdk, "main.ts"))};`,
        "serve(startPagePython);",
      ].join("\n");
    }
    const name = id.startsWith("\0node:") ? id.slice(1) : "";
    const text = `${name} is not here; run the job with \`tequio run\``;
    const one = (what: string) =>
      `export function ${what}() { throw new Error(${JSON.stringify(text)}); }`;
    const own = present[name];
    const more = own === undefined ? [] : [`export * from ${JSON.stringify(own)};`];
    return name === "" ? null : [...more, ...(absent[name] ?? []).map(one)].join("\n");
  },
};

/** `files`: gets the names of those that are read. */
async function workerCode(files: Set<string>): Promise<string> {
  const bundle = await rolldown({
    input: entry,
    platform: "browser",
    plugins: [resolving],
    logLevel: "silent",
  });
  const { output } = await bundle.generate({ format: "iife", minify: true });
  for (const path of await bundle.watchFiles) files.add(path);
  await bundle.close();
  return output[0].code;
}

/** The public API as one statement that declares `name`, and what it exports: what \`tequio run\`
 *  bundles with a job, made by the same bundler of the same sources. */
async function sdkCode(name: string, files: Set<string>) {
  const bundle = await rolldown({
    input: join(root, "src", "index.ts"),
    platform: "neutral",
    logLevel: "silent",
    experimental: { attachDebugInfo: "none" },
    tsconfig: false,
  });
  const { output } = await bundle.generate({ format: "iife", name, comments: false });
  for (const path of await bundle.watchFiles) files.add(path);
  await bundle.close();
  const [{ code, exports, imports }] = output;
  if (imports.length > 0) throw new Error(`the SDK would need ${imports}`);
  return { code: code.trim(), names: exports };
}

const lib = dirname(createRequire(import.meta.url).resolve("typescript"));
const target = "lib.es2024.d.ts";

/** By path: the language's own types, and the SDK's. */
function typeFiles(read: Set<string>): Record<string, string> {
  const files: Record<string, string> = {};
  const addLib = (name: string) => {
    if (files[`/${name}`] !== undefined) return;
    const text = readFileSync(join(lib, name), "utf8");
    files[`/${name}`] = text;
    for (const [, next] of text.matchAll(/<reference lib="([^"]+)"/g)) addLib(`lib.${next}.d.ts`);
  };
  addLib(target);
  const program = ts.createProgram([join(root, "src", "index.ts")], {
    target: ts.ScriptTarget.ES2024,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    allowImportingTsExtensions: true,
    declaration: true,
    emitDeclarationOnly: true,
    noCheck: true,
    skipLibCheck: true,
    strict: true,
    types: ["node"],
    outDir: "/node_modules/tequio",
    rootDir: join(root, "src"),
  });
  for (const { fileName } of program.getSourceFiles()) read.add(fileName);
  const emitted = new Map<string, string>();
  program.emit(undefined, (path, text) => emitted.set(path, text), undefined, true);
  addReached(emitted, files, "/node_modules/tequio/index.d.ts");
  files["/node_modules/tequio/package.json"] = JSON.stringify({
    name: "tequio",
    type: "module",
    types: "./index.d.ts",
  });
  return files;
}

/** The declarations that this one is made of. */
function addReached(
  emitted: ReadonlyMap<string, string>,
  files: Record<string, string>,
  path: string,
): void {
  const text = emitted.get(path);
  if (text === undefined || files[path] !== undefined) return;
  files[path] = text.replaceAll(/("\.[^"]*)\.ts"/g, '$1"');
  for (const [, next] of text.matchAll(/"(\.[^"]*)\.ts"/g)) {
    addReached(emitted, files, join(dirname(path), `${next}.d.ts`));
  }
}

type Made = (files: Set<string>) => Promise<string> | string;

const made: Readonly<Record<string, Made>> = {
  "virtual:job-worker": async (files) =>
    `export default ${JSON.stringify(await workerCode(files))};`,
  "virtual:sdk-code": async (files) => {
    const name = "tequioSdk";
    return `export default ${JSON.stringify({ name, ...(await sdkCode(name, files)) })};`;
  },
  "virtual:type-files": (files) => `export default ${JSON.stringify(typeFiles(files))};`,
};

export function tryCode(): Plugin {
  const files = new Set<string>();
  return {
    name: "try-code",
    api: { files } satisfies Reading,
    resolveId: (id) => (id in made ? `\0${id}` : null),
    load: (id) => (id.startsWith("\0") ? made[id.slice(1)]?.(files) : null),
  };
}
