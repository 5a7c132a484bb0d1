/** Captured variables are a build error: a job's module is evaluated again on every worker, so its
 *  functions may only use what is the same there — parameters, imports, functions, classes and
 *  constants. */
import { ClusterError } from "../core/error.ts";
import { placeDependence } from "./captured/places.ts";
import { findJobFunctions, walk } from "./captured/roots.ts";
import { analyseScopes, type Binding, type Reference, type Scopes } from "./captured/scopes.ts";
import {
  childAt,
  isClass,
  isFunction,
  lineAndColumn,
  nameOf,
  type SyntaxNode,
} from "./captured/tree.ts";

export type Captured = {
  readonly name: string;
  /** 1-based, of the place where the job's function uses it. */
  readonly line: number;
  readonly column: number;
  /** `map uses "limit", which …` and what to do instead. */
  readonly text: string;
};

/** Everything that the functions of the jobs in a module capture, in source order, each variable
 *  once. */
export function findCaptured(program: SyntaxNode, source: string): Captured[] {
  const scopes = analyseScopes(program);
  const search = new CaptureSearch(scopes, source);
  for (const { node, role } of findJobFunctions(program, scopes)) search.inspect(node, role);
  return [...search.found.values()].sort((a, b) => a.line - b.line || a.column - b.column);
}

/** Throws `build-failed` naming the first captured variable of a parsed job file. */
export function refuseCaptured(program: SyntaxNode, source: string, file: string): void {
  const [first, ...others] = findCaptured(program, source);
  if (first === undefined) return;
  const more = others.map((c) => `\n${file}:${c.line}:${c.column}: ${c.text}`).join("");
  throw new ClusterError(
    "build-failed",
    `${file}:${first.line}:${first.column}: ${first.text}${more}`,
  );
}

class CaptureSearch {
  readonly found = new Map<Binding, Captured>();
  readonly #scopes: Scopes;
  readonly #source: string;
  readonly #inspected = new Set<SyntaxNode>();

  constructor(scopes: Scopes, source: string) {
    this.#scopes = scopes;
    this.#source = source;
  }

  /** Judges every variable from outside that a function or class of the job uses. */
  inspect(code: SyntaxNode, role: string): void {
    if (this.#inspected.has(code)) return;
    this.#inspected.add(code);
    walk(code, (node) => {
      const reference = this.#scopes.references.get(node);
      const binding = reference?.binding;
      if (reference === undefined || binding == null) return;
      const isOwn = binding.node.start >= code.start && binding.node.end <= code.end;
      if (!isOwn) this.#judge(reference, binding, role);
    });
  }

  #judge(reference: Reference, binding: Binding, role: string): void {
    if (binding.kind === "import" || this.found.has(binding)) return;
    const reason = this.#reason(binding);
    if (reason === null) {
      this.#follow(binding, role);
      return;
    }
    const { name } = binding;
    this.found.set(binding, {
      name,
      ...lineAndColumn(this.#source, reference.node.start),
      text:
        `${role} uses "${name}", which ${reason}. Only parameters travel to the workers: ` +
        `put it in \`params\` and read \`context.params.${name}\``,
    });
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
    if (write !== undefined) {
      const { line } = lineAndColumn(this.#source, write.node.start);
      return `is assigned at line ${line}, so that each worker would see its own value`;
    }
    const place = origin === null ? null : placeDependence(origin, this.#scopes);
    return place === null ? null : `depends on where it runs (\`${place}\`)`;
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
      if (isFunction(node) || isClass(node)) this.inspect(node, via);
      const named = this.#scopes.references.get(node)?.binding;
      if (named != null && named.kind !== "import") this.#followCode(named, via);
    });
  }

  /** A constant made from other bindings: only their code is of interest, the values are judged
   *  already. */
  #followCode(binding: Binding, role: string): void {
    if (binding.scope.owner === null && this.#reason(binding) === null) this.#follow(binding, role);
  }
}
