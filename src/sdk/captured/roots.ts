/** Finds the functions of a job in its file: what `mapReduce` and `tasks` are given, wherever it is
 *  written. */
import type { Binding, Scopes } from "./scopes.ts";
import {
  bare,
  childAt,
  children,
  childrenAt,
  isFunction,
  keyOf,
  nameOf,
  type SyntaxNode,
} from "./tree.ts";

/** `role`: as the user knows it (`map`, `users.map`). */
export type JobFunction = { readonly role: string; readonly node: SyntaxNode };

const makers = new Set(["mapReduce", "tasks"]);
const roles = new Set(["map", "combine", "reduce", "partition", "run"]);

export function findJobFunctions(program: SyntaxNode, scopes: Scopes): JobFunction[] {
  const found: JobFunction[] = [];
  const search = new RootSearch(scopes, found);
  walk(program, (node) => {
    if (node.type === "CallExpression" && makesJob(childAt(node, "callee")!, scopes)) {
      const options = childrenAt(node, "arguments")[0];
      if (options !== undefined) search.options(options, "");
    }
  });
  return found;
}

/** The functions that the module's default export is, names or makes. */
export function findDefaultFunction(program: SyntaxNode, scopes: Scopes): JobFunction[] {
  const found: JobFunction[] = [];
  for (const statement of childrenAt(program, "body")) {
    if (statement.type !== "ExportDefaultDeclaration") continue;
    new RootSearch(scopes, found).functions(childAt(statement, "declaration")!, "the function");
  }
  return found;
}

/** Depth first, in source order; not below a node for which `visit` returns false. */
export function walk(node: SyntaxNode, visit: (node: SyntaxNode) => unknown): void {
  if (visit(node) === false) return;
  for (const child of children(node)) walk(child, visit);
}

/** True for `mapReduce`, its alias by `import { mapReduce as m }`, and `t.mapReduce` of `import *
 *  as t`. */
function makesJob(wrapped: SyntaxNode, scopes: Scopes): boolean {
  const callee = bare(wrapped);
  const isMember = callee.type === "MemberExpression";
  const variable = isMember ? bare(childAt(callee, "object")!) : callee;
  const binding = scopes.references.get(variable)?.binding;
  if (binding?.kind !== "import" || !isOurs(binding)) return false;
  for (const specifier of childrenAt(binding.origin!, "specifiers")) {
    if (childAt(specifier, "local") !== binding.node) continue;
    const imported = childAt(isMember ? callee : specifier, isMember ? "property" : "imported");
    return makers.has(nameOf(imported) ?? "");
  }
  return false;
}

function isOurs(binding: Binding): boolean {
  const source = String(childAt(binding.origin!, "source")?.value);
  return source === "tequio" || /\/index\.(ts|js)$/.test(source);
}

class RootSearch {
  readonly #scopes: Scopes;
  readonly #found: JobFunction[];
  readonly #seen = new Set<SyntaxNode>();

  constructor(scopes: Scopes, found: JobFunction[]) {
    this.#scopes = scopes;
    this.#found = found;
  }

  /** An object of options, or a variable or spread of one. */
  options(wrapped: SyntaxNode, prefix: string): void {
    const node = this.#behind(wrapped);
    if (node?.type !== "ObjectExpression") return;
    for (const property of childrenAt(node, "properties")) {
      if (property.type === "SpreadElement") {
        this.options(childAt(property, "argument")!, prefix);
        continue;
      }
      const key = keyOf(property) ?? "";
      const value = childAt(property, "value")!;
      if (roles.has(key)) this.functions(value, prefix + key);
      else if (key === "inputs" && prefix === "") this.#inputs(value);
    }
  }

  #inputs(wrapped: SyntaxNode): void {
    const node = this.#behind(wrapped);
    if (node?.type !== "ObjectExpression") return;
    for (const property of childrenAt(node, "properties")) {
      const value = childAt(property, "value");
      if (value !== null) this.options(value, `${keyOf(property) ?? "inputs"}.`);
    }
  }

  /** Functions that an expression is, names, or makes. */
  functions(wrapped: SyntaxNode, role: string): void {
    const node = bare(wrapped);
    if (this.#seen.has(node)) return;
    this.#seen.add(node);
    if (isFunction(node)) {
      this.#found.push({ role, node });
      return;
    }
    const binding = this.#scopes.references.get(node)?.binding;
    if (binding?.kind === "import") {
      this.#found.push({ role, node });
      return;
    }
    const origin = binding?.origin;
    if (origin != null) {
      this.functions(origin, role);
      return;
    }
    if (node.type === "CallExpression") this.#made(childAt(node, "callee")!, role);
    for (const child of children(node)) {
      if (node.type !== "CallExpression" || child !== childAt(node, "callee")) {
        this.functions(child, role);
      }
    }
  }

  /** What a factory (`map: longerThan(3)`) returns are functions inside it. */
  #made(callee: SyntaxNode, role: string): void {
    const factory = this.#behind(callee);
    if (factory === null || !isFunction(factory)) {
      this.functions(callee, role);
      return;
    }
    const inside = (node: SyntaxNode): void => {
      if (isFunction(node)) this.#found.push({ role, node });
      else children(node).forEach(inside);
    };
    children(factory).forEach(inside);
  }

  /** The expression that a variable stands for. */
  #behind(wrapped: SyntaxNode): SyntaxNode | null {
    const node = bare(wrapped);
    const binding = this.#scopes.references.get(node)?.binding;
    if (binding === undefined || binding === null) return node;
    if (this.#seen.has(node)) return null;
    this.#seen.add(node);
    return binding.origin === null ? null : this.#behind(binding.origin);
  }
}
