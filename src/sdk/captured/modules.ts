/** The modules that lie beside a job file: what a name imported from one of them stands for there.
 *  Packages are not looked into: what they keep between calls is theirs. */
import { readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { analyseScopes, type Binding, type Scopes } from "./scopes.ts";
import { childAt, childrenAt, isClass, isFunction, nameOf, type SyntaxNode } from "./tree.ts";

export type LocalModule = {
  readonly path: string;
  readonly source: string;
  readonly program: SyntaxNode;
  readonly scopes: Scopes;
};

export type Imported = { readonly module: LocalModule; readonly binding: Binding };

/** Null: it does not parse, which the bundler says better. */
export type Parse = (path: string, source: string) => SyntaxNode | null;

/** Re-exports are followed this far; more can only be a circle. */
const hopsMax = 32;

export class LocalModules {
  readonly #parse: Parse;
  readonly #known = new Map<string, LocalModule | null>();

  constructor(parse: Parse) {
    this.#parse = parse;
  }

  /** Null when it is a package's, a whole module (`import * as`), or not to be found. */
  imported(by: LocalModule, binding: Binding, hops = 0): Imported | null {
    const from = this.#named(by, binding.origin!);
    const specifiers = childrenAt(binding.origin!, "specifiers");
    const specifier = specifiers.find((one) => childAt(one, "local") === binding.node);
    if (from === null || specifier === undefined) return null;
    if (specifier.type === "ImportDefaultSpecifier") return this.#exported(from, "default", hops);
    return this.#exported(from, nameOf(childAt(specifier, "imported")), hops);
  }

  #exported(module: LocalModule, name: string | null, hops: number): Imported | null {
    if (name === null || hops > hopsMax) return null;
    const statements = childrenAt(module.program, "body");
    for (const statement of statements) {
      if (statement.type === "ExportDefaultDeclaration" && name === "default") {
        return this.#default(module, childAt(statement, "declaration")!, hops);
      }
      if (statement.type !== "ExportNamedDeclaration") continue;
      for (const specifier of childrenAt(statement, "specifiers")) {
        if (nameOf(childAt(specifier, "exported")) !== name) continue;
        const local = nameOf(childAt(specifier, "local"));
        if (childAt(statement, "source") === null) return this.#local(module, local, hops);
        const from = this.#named(module, statement);
        return from === null ? null : this.#exported(from, local, hops + 1);
      }
    }
    const own = this.#local(module, name, hops);
    if (own !== null) return own;
    for (const statement of statements) {
      if (statement.type !== "ExportAllDeclaration" || statement.exported !== null) continue;
      const from = this.#named(module, statement);
      const found = from === null ? null : this.#exported(from, name, hops + 1);
      if (found !== null) return found;
    }
    return null;
  }

  #local(module: LocalModule, name: string | null, hops: number): Imported | null {
    const binding = module.scopes.module.names.get(name ?? "");
    if (binding === undefined) return null;
    return binding.kind === "import"
      ? this.imported(module, binding, hops + 1)
      : { module, binding };
  }

  #default(module: LocalModule, node: SyntaxNode, hops: number): Imported | null {
    const name = nameOf(node) ?? nameOf(childAt(node, "id"));
    if (name !== null) return this.#local(module, name, hops);
    const kind = isFunction(node) ? "function" : isClass(node) ? "class" : "const";
    const scope = module.scopes.module;
    return { module, binding: { name: "default", kind, scope, node, origin: node, writes: [] } };
  }

  /** The module whose name stands in an import or export declaration. */
  #named(by: LocalModule, declaration: SyntaxNode): LocalModule | null {
    const name = String(childAt(declaration, "source")?.value);
    if (!/^\.\.?\//.test(name)) return null;
    const path = resolve(dirname(by.path), name);
    const tried = ["", ".ts", ".mts", ".js", ".mjs", "/index.ts", "/index.js"];
    const found = tried.map((end) => path + end).find(isFile);
    if (found === undefined || !/\.m?[jt]s$/.test(found)) return null;
    if (!this.#known.has(found)) this.#known.set(found, this.#load(found));
    return this.#known.get(found) ?? null;
  }

  #load(path: string): LocalModule | null {
    const source = readFileSync(path, "utf8");
    const program = this.#parse(path, source);
    return program === null ? null : { path, source, program, scopes: analyseScopes(program) };
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
