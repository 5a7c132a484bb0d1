/** Rule: which folders may import which (the table of ARCHITECTURE.md), read from the import
 *  statements. */
import { posix } from "node:path";
import type { Finding } from "./finding.ts";
import { isNode, type Node, parse, type Source, walk } from "./sources.ts";

const means = ["core", "wire", "link", "store"];
/** Folder of src, or sim beside it → folders that it may import, itself always included. */
export const table: Readonly<Record<string, readonly string[]>> = {
  core: [],
  environment: [],
  wire: ["core"],
  link: ["core"],
  store: ["core"],
  engine: ["core", "link", "store", "remote"],
  conformance: ["core", "link", "store"],
  tables: ["core", "wire", "link"],
  remote: ["core"],
  coordinator: [...means, "engine", "peer", "remote"],
  peer: means,
  worker: [...means, "peer", "environment", "remote", "tables"],
  gateway: means,
  sdk: ["core", "wire", "link", "environment", "remote", "tables"],
  jobtracker: [...means, "peer", "sdk"],
  client: [...means, "coordinator", "worker", "sdk"],
  cli: [
    ...means,
    ...["coordinator", "worker", "peer", "gateway", "jobtracker", "sdk", "client", "environment"],
    "engine",
  ],
  web: ["core", "wire", "link", "worker"],
  index: ["sdk"],
  sim: [...means, "engine", "environment", "peer", "coordinator", "worker", "gateway"],
};
/** Folders whose code must also run in a browser tab: no Node module, no package. */
const anywhere = new Set(["core", "wire", "environment"]);

export function layerFindings(sources: readonly Source[]): Finding[] {
  return sources
    .filter((source) => isLayered(source.path) && !source.isTest)
    .flatMap((source) => {
      const layer = layerOf(source.path);
      const allowed = table[layer];
      if (allowed === undefined) {
        return [finding(source.path, `${source.path}: ${layer} is not in the import table`)];
      }
      return importsOf(parse(source)).flatMap((target) => {
        const problem = importProblem(source.path, layer, target);
        return problem === null ? [] : [finding(source.path, `${source.path}: ${problem}`)];
      });
    });
}

function finding(where: string, text: string): Finding {
  return { rule: "imports", where, measured: 1, text };
}

/** The product, and the simulation beside it. */
function isLayered(path: string): boolean {
  return /^(src|sim)\//.test(path);
}

/** `src/core/ids.ts` → `core`; `src/index.ts` → `index`; `sim/jobs.ts` → `sim`. */
function layerOf(path: string): string {
  const [top = "", below = ""] = path.split("/");
  return top === "src" ? below.replace(/\.ts$/, "") : top;
}

/** Why this import breaks the table, or null when it does not. */
export function importProblem(path: string, layer: string, target: string): string | null {
  if (!target.startsWith(".")) {
    return anywhere.has(layer) ? `imports ${target}, but ${layer} runs anywhere` : null;
  }
  if (!/\.(tsx?|js|json|wasm|css)$/.test(target)) return `imports ${target} without its extension`;
  const file = posix.join(posix.dirname(path), target);
  if (!isLayered(file)) return file === "package.json" ? null : `imports ${target}`;
  const other = layerOf(file);
  if (other === layer || table[layer]!.includes(other)) return null;
  return `imports ${target}, but ${layer} may import ${table[layer]!.join(" ") || "nothing"}`;
}

/** Targets of static and dynamic imports and of re-exports. */
export function importsOf(nodes: readonly Node[]): string[] {
  const targets: string[] = [];
  walk(nodes, (node) => {
    if (!/^(Import|ExportNamed|ExportAll|TSImportType)/.test(node.type)) return;
    const from = node.source;
    if (isNode(from) && typeof from.value === "string") targets.push(from.value);
  });
  return targets;
}
