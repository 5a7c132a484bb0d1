/** Captured variables are a build error: a job's module is evaluated again on every worker, so its
 *  functions may only use what is the same there — parameters, imports, functions, classes and
 *  constants. */
import { basename, dirname, relative } from "node:path";
import { ClusterError } from "../core/error.ts";
import { keptWrites } from "./captured/kept-state.ts";
import { type LocalModule, LocalModules, type Parse } from "./captured/modules.ts";
import { placeDependence } from "./captured/places.ts";
import { findJobFunctions, type JobFunction, walk } from "./captured/roots.ts";
import { analyseScopes, type Binding, type Reference } from "./captured/scopes.ts";
import {
  bare,
  childAt,
  isClass,
  isFunction,
  lineAndColumn,
  nameOf,
  type SyntaxNode,
} from "./captured/tree.ts";

export type Captured = {
  readonly name: string;
  /** Where the job's function uses it, as seen from the job file's folder. */
  readonly file: string;
  /** 1-based, of the place where the job's function uses it. */
  readonly line: number;
  readonly column: number;
  /** `map uses "limit", which …` and what to do instead. */
  readonly text: string;
};

export type CaptureOptions = {
  readonly parse?: Parse;
  readonly roots?: readonly JobFunction[];
};

/** Everything that the functions of the jobs in a module capture, in source order, each variable
 *  once. `parse` reads the modules beside it; without, only the job file itself is judged. `roots`:
 *  of these functions instead. */
export function findCaptured(
  program: SyntaxNode,
  source: string,
  path: string,
  { parse = () => null, roots }: CaptureOptions = {},
): Captured[] {
  const module: LocalModule = { path, source, program, scopes: analyseScopes(program) };
  const shared: Shared = {
    modules: new LocalModules(parse),
    found: new Map(),
    searches: new Map(),
    folder: dirname(path),
  };
  const search = new CaptureSearch(module, shared);
  const inspected = roots ?? findJobFunctions(program, module.scopes);
  for (const { node, role } of inspected) search.inspect(node, role);
  const own = basename(path);
  const order = (c: Captured) => (c.file === own ? "" : c.file);
  const byPlace = (a: Captured, b: Captured) =>
    order(a) < order(b) ? -1 : order(a) > order(b) ? 1 : a.line - b.line || a.column - b.column;
  return [...shared.found.values()].sort(byPlace);
}

/** Throws `build-failed` naming every captured variable of a parsed job file and of the modules
 *  beside it. */
export function refuseCaptured(
  program: SyntaxNode,
  source: string,
  path: string,
  options: CaptureOptions,
): void {
  const found = findCaptured(program, source, path, options);
  if (found.length === 0) return;
  const lines = found.map((c) => `${c.file}:${c.line}:${c.column}: ${c.text}`);
  throw new ClusterError("build-failed", lines.join("\n"));
}

/** What the searches of all modules of one job have in common. */
type Shared = {
  readonly modules: LocalModules;
  readonly found: Map<Binding, Captured>;
  readonly searches: Map<LocalModule, CaptureSearch>;
  /** Of the job file. */
  readonly folder: string;
};

class CaptureSearch {
  readonly #module: LocalModule;
  readonly #shared: Shared;
  readonly #inspected = new Set<SyntaxNode>();

  constructor(module: LocalModule, shared: Shared) {
    this.#module = module;
    this.#shared = shared;
    shared.searches.set(module, this);
  }

  /** Judges every variable from outside that a function or class of the job uses. */
  inspect(code: SyntaxNode, role: string): void {
    if (this.#inspected.has(code)) return;
    this.#inspected.add(code);
    walk(code, (node) => {
      const reference = this.#module.scopes.references.get(node);
      const binding = reference?.binding;
      if (reference === undefined || binding == null) return;
      const isOwn = binding.node.start >= code.start && binding.node.end <= code.end;
      if (!isOwn) this.#judge(reference, binding, role);
    });
  }

  #judge(reference: Reference, named: Binding, role: string): void {
    const { found } = this.#shared;
    const [search, binding] = this.#behind(named);
    if (binding === null || found.has(binding)) return;
    const reason = search.#reason(binding);
    if (reason === null) {
      search.#follow(binding, role);
      return;
    }
    this.#refuse(reference, binding, `${role} uses "${named.name}", which ${reason}`);
  }

  #refuse({ name, node }: Reference, binding: Binding, what: string): void {
    const { found, folder } = this.#shared;
    if (found.has(binding)) return;
    found.set(binding, {
      name,
      file: relative(folder, this.#module.path),
      ...lineAndColumn(this.#module.source, node.start),
      text:
        `${what}. Only parameters travel to the workers: ` +
        `put it in \`params\` and read \`context.params.${name}\``,
    });
  }

  /** What a name stands for and the search of the module where it is made; null when that is a
   *  package. */
  #behind(named: Binding): readonly [search: CaptureSearch, binding: Binding | null] {
    if (named.kind !== "import") return [this, named];
    const { modules, searches } = this.#shared;
    const imported = modules.imported(this.#module, named);
    if (imported === null) return [this, null];
    const { module, binding } = imported;
    return [searches.get(module) ?? new CaptureSearch(module, this.#shared), binding];
  }

  /** Why a variable from outside is not the same on every worker; null when it is. */
  #reason(binding: Binding): string | null {
    const { kind, origin, scope } = binding;
    const isCode = kind === "function" || kind === "class" || kind === "enum";
    if (scope.owner !== null && !isCode) {
      const around = nameOf(childAt(scope.owner, "id"));
      const named = around === null ? "the function" : `the function "${around}"`;
      return `is a variable of ${named} around it`;
    }
    if (kind === "catch") return "is known only where the error was caught";
    const write = kind === "const" ? undefined : binding.writes[0];
    if (write !== undefined) return this.#assigned(write);
    const place = origin === null ? null : placeDependence(origin, this.#module.scopes);
    return place === null ? null : `depends on where it runs (\`${place}\`)`;
  }

  #assigned(write: Reference): string {
    const { line } = lineAndColumn(this.#module.source, write.node.start);
    const place = `line ${line}${this.#ofModule()}`;
    return `is assigned at ${place}, so that each worker would see its own value`;
  }

  /** Functions that come with a constant, a function or a class run in the job as well. */
  #follow(binding: Binding, role: string): void {
    const { origin, name } = binding;
    if (origin === null || this.#inspected.has(origin)) return;
    const via = `"${name}" (used by ${role.replace(/^.* \(used by (.*)\)$/, "$1")})`;
    if (isFunction(origin) || isClass(origin)) {
      this.inspect(origin, via);
      return;
    }
    this.#inspected.add(origin);
    walk(origin, (node) => {
      // As a whole: what functions inside it use of its own variables is no capture.
      if (isFunction(node) || isClass(node)) {
        this.inspect(node, via);
        return false;
      }
      if (node.type === "CallExpression") this.#judgeKept(bare(childAt(node, "callee")!), via);
      const named = this.#module.scopes.references.get(node)?.binding;
      if (named != null) this.#followCode(named, via);
      return true;
    });
  }

  /** What a function that is called while the module is evaluated keeps for those it returns. */
  #judgeKept(callee: SyntaxNode, role: string): void {
    const named = this.#module.scopes.references.get(callee)?.binding;
    const [search, binding] = named == null ? [this, null] : this.#behind(named);
    const called = binding?.origin ?? callee;
    if (!isFunction(called)) return;
    for (const write of keptWrites(called, search.#module.scopes)) {
      const what = `${role} uses "${write.name}", which ${search.#assigned(write)}`;
      search.#refuse(write, write.binding!, what);
    }
  }

  /** A constant made from other bindings: only their code is of interest, the values are judged
   *  already. */
  #followCode(named: Binding, role: string): void {
    const [search, binding] = this.#behind(named);
    if (binding === null || binding.scope.owner !== null) return;
    if (search.#reason(binding) === null) search.#follow(binding, role);
  }

  /** Added to line numbers in files other than the job's. */
  #ofModule(): string {
    const [first] = this.#shared.searches.keys();
    return first === this.#module ? "" : ` of ${relative(this.#shared.folder, this.#module.path)}`;
  }
}
