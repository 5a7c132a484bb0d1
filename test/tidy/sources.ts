/** The repository's source files, read and parsed once for all rules of the tidy test. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync } from "rolldown/experimental";

export const root = join(import.meta.dirname, "..", "..");

export type Source = {
  /** From the root, with `/`. */
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
  readonly isTest: boolean;
};

/** A node of the syntax tree (ESTree with TypeScript's additions), as far as the rules look. */
export type Node = {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
};

const folders = ["src", "sim", "test", "scripts", "bench", "examples", "bin"];
/** Folders without sources of ours. */
export const left: ReadonlySet<string> = new Set([
  "node_modules",
  "testdata",
  ".cache",
  "dist",
  "results",
  "__pycache__",
]);

export function readSources(): Source[] {
  return folders.flatMap((folder) => list(folder)).map(readSource);
}

/** Of the product's Python; read for sizes and first sentences alone. */
export function readPythonSources(): Source[] {
  return list("python", /\.pyi?$/).map(readSource);
}

function list(folder: string, wanted = /\.(tsx?|js|mjs)$/): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      if (left.has(entry.name)) return [];
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) return list(path, wanted);
      return wanted.test(entry.name) ? [path] : [];
    });
}

export function readSource(path: string): Source {
  const text = readFileSync(join(root, path), "utf8");
  const isTest = /\.test\.ts$/.test(path) || path.startsWith("test/");
  return { path, text, lines: text.replace(/\n$/, "").split("\n"), isTest };
}

export type Parsed = {
  readonly body: readonly Node[];
  readonly comments: readonly { readonly start: number; readonly value: string }[];
};

const parsedBefore = new WeakMap<Source, Parsed>();

/** Statements and comments, parsed once. A file that does not parse is left to the compiler. */
export function parsed(source: Source): Parsed {
  const known = parsedBefore.get(source);
  if (known !== undefined) return known;
  const { comments, errors, program } = parseSync(source.path, source.text);
  const isBroken = errors.length > 0;
  const body = isBroken ? [] : (program.body as unknown as Node[]);
  const found = { body, comments: isBroken ? [] : comments };
  parsedBefore.set(source, found);
  return found;
}

/** The file's statements. */
export function parse(source: Source): readonly Node[] {
  return parsed(source).body;
}

/** Calls `visit` on every node below and with these, parents first. */
export function walk(
  nodes: readonly Node[],
  visit: (node: Node, parent: Node | null) => void,
): void {
  const stack: Array<[Node, Node | null]> = nodes.map((node) => [node, null]);
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const [node, parent] = next;
    visit(node, parent);
    for (const value of Object.values(node)) {
      for (const child of Array.isArray(value) ? value : [value]) {
        if (isNode(child)) stack.push([child, node]);
      }
    }
  }
}

export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}

export function lineOf(source: Source, offset: number): number {
  return source.text.slice(0, offset).split("\n").length;
}
