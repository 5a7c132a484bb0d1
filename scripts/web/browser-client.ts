/** `tequio/client/browser`: `src/client/browser` and all it needs as one module without imports,
 *  for pages with a bundler and without. A part of `npm run build`. */
import { dirname, join } from "node:path";
import { type Plugin, rolldown } from "rolldown";

const root = dirname(dirname(import.meta.dirname));
const source = join(root, "src");
const nodeShims = join(source, "worker", "browser", "node-shims");
/** What a page has instead of modules of Node. */
const present: Readonly<Record<string, string>> = {
  "node:crypto": join(source, "client", "browser", "crypto.ts"),
  "node:timers/promises": join(source, "client", "browser", "timers.ts"),
};
/** By path: what a page does in another way, and what it does not do. */
const others = new Map<string, string | null>([
  [join(source, "link/http/ask-coordinator.ts"), join(source, "client/browser/ask-coordinator.ts")],
  [join(source, "sdk/client/transport.ts"), join(source, "client/browser/transport.ts")],
  [join(source, "sdk/client/stored-blobs.ts"), join(source, "client/browser/stored-blobs.ts")],
  [join(source, "sdk/collect.ts"), join(source, "client/browser/collect.ts")],
  [join(source, "sdk/table/parquet.ts"), null],
  [join(source, "sdk/table/arrow.ts"), null],
]);
const absent = "\0absent:";
const callsId = "virtual:calls-code";

/** Whatever of Node is left is imported by code that no page calls. */
const forPages: Plugin = {
  name: "for-pages",
  async resolveId(id, importer) {
    if (id === callsId) return `\0${callsId}`;
    if (id.startsWith("node:")) return present[id] ?? absent + id;
    if (!id.startsWith(".") || importer === undefined) return null;
    const path = join(dirname(importer), id);
    if (!others.has(path)) return null;
    return others.get(path) ?? absent + path;
  },
  async load(id) {
    if (id === `\0${callsId}`) return `export default ${JSON.stringify(await callsCode())};`;
    if (!id.startsWith(absent)) return null;
    const path = id.slice(absent.length);
    const names = Object.keys(await import(path)).filter((name) => name !== "default");
    const text = "this needs files, which a page has not: read `files()` and `rows()`";
    const code = `throw new Error(${JSON.stringify(text)});`;
    return names.map((name) => `export function ${name}() { ${code} }`).join("\n");
  },
};

/** `sdk/ship/calls.ts` as an expression. */
async function callsCode(): Promise<string> {
  const input = join(source, "sdk", "ship", "calls.ts");
  const bundle = await rolldown({ input, platform: "neutral", logLevel: "silent" });
  const { output } = await bundle.generate({ format: "iife", name: "calls", comments: false });
  await bundle.close();
  const code = output[0].code.trim();
  return code.replace(/^var calls = /, "").replace(/;$/, "");
}

/** The module's text. */
export async function browserClient(): Promise<string> {
  const bundle = await rolldown({
    input: join(source, "client", "browser", "index.ts"),
    platform: "browser",
    plugins: [forPages],
    // Of its own: a page's globals stay what they are.
    transform: { inject: { Buffer: [join(nodeShims, "tab-buffer.ts"), "TabBuffer"] } },
    logLevel: "silent",
  });
  const { output } = await bundle.generate({
    format: "esm",
    minify: true,
    codeSplitting: false,
    comments: false,
  });
  await bundle.close();
  const [{ code, imports }] = output;
  if (imports.length > 0) throw new Error(`the client would need ${imports}, which no page has`);
  return code;
}
