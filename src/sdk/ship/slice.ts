/** What some functions of a module need of it: the same text with everything else blank, so that
 *  lines stay what they are. The rest of a program, which connects, submits and waits, must not run
 *  on workers. */
import { ClusterError } from "../../core/error.ts";
import type { Parse } from "../captured/modules.ts";
import { walk } from "../captured/roots.ts";
import { analyseScopes, type Binding, type Scopes } from "../captured/scopes.ts";
import {
  childAt,
  children,
  isClass,
  isFunction,
  lineAndColumn,
  nameOf,
  type SyntaxNode,
} from "../captured/tree.ts";
import { refuseCaptured } from "../captured.ts";

export type ProgramModule = {
  /** Absolute, in whose folder imports are looked for. */
  readonly path: string;
  readonly source: string;
  readonly program: SyntaxNode;
};

/** `role`: as the user knows it (`map`). `offset`: where its parameters are. */
export type Root = { readonly role: string; readonly offset: number };

/** A module that exports its `n`th root as `function<n>`. Throws `build-failed` naming every
 *  captured variable, and what cannot travel. */
export function sliceModule(module: ProgramModule, roots: readonly Root[], parse: Parse): string {
  const { path, program, source } = module;
  const found = roots.map((root) => rootNode(module, root));
  refuseCaptured(program, source, path, { parse, roots: found });
  const slice = new Slice(module);
  for (const root of found) slice.add(root);
  return slice.text(found);
}

type FoundRoot = {
  readonly role: string;
  readonly node: SyntaxNode;
  /** From the module down to the node, without it. */
  readonly path: readonly SyntaxNode[];
};

/** The innermost function whose head holds the offset. */
function rootNode(module: ProgramModule, { offset, role }: Root): FoundRoot {
  let best: FoundRoot | null = null;
  const visit = (node: SyntaxNode, path: readonly SyntaxNode[]): void => {
    if (node.start > offset || node.end < offset) return;
    const body = isFunction(node) ? childAt(node, "body") : null;
    if (body !== null && offset <= body.start) best = { role, node, path };
    const inside = [...path, node];
    for (const child of children(node)) visit(child, inside);
  };
  visit(module.program, []);
  if (best !== null) return best;
  throw refused(module, offset, `${role} is a class or generated code; give a function`);
}

function refused({ source, path }: ProgramModule, offset: number, text: string): ClusterError {
  const { line, column } = lineAndColumn(source, offset);
  const name = path.replace(/^.*[\\/]/, "");
  return new ClusterError("build-failed", `${name}:${line}:${column}: ${text}`);
}

/** A stretch of the module that stays. `before` and `after` are put around it. */
type Kept = {
  readonly start: number;
  readonly end: number;
  readonly before: string;
  readonly after: string;
};

class Slice {
  readonly #module: ProgramModule;
  readonly #scopes: Scopes;
  /** By the node that is kept. */
  readonly #kept = new Map<SyntaxNode, Kept>();
  /** Of declarations: the nodes above them. */
  readonly #paths = new Map<SyntaxNode, readonly SyntaxNode[]>();
  /** By index of the root: what its export is called in the module, or how it is made. */
  readonly #names = new Map<SyntaxNode, string>();
  readonly #free: string;

  constructor(module: ProgramModule) {
    this.#module = module;
    this.#scopes = analyseScopes(module.program);
    let free = "tequioFunction";
    while (module.source.includes(free)) free += "_";
    this.#free = free;
    const visit = (node: SyntaxNode, path: readonly SyntaxNode[]): void => {
      this.#paths.set(node, path);
      const inside = [...path, node];
      for (const child of children(node)) visit(child, inside);
    };
    visit(module.program, []);
  }

  add({ node, path, role }: FoundRoot): void {
    if (this.#names.has(node)) return;
    const { source } = this.#module;
    refuseThis(this.#module, node, role);
    const parent = path.at(-1)!;
    const own = this.#ownName(node, path);
    if (own !== null) {
      this.#names.set(node, own.name);
      this.#keep(own.declaration);
      return;
    }
    const name = `${this.#free}${this.#names.size}`;
    this.#names.set(node, name);
    const isMethod =
      parent.type === "Property" && (parent.method === true || parent.kind !== "init");
    if (parent.type === "MethodDefinition" || (isMethod && parent.computed === true)) {
      const text = `${role} is a method; give a function that calls it: (item) => …`;
      throw refused(this.#module, node.start, text);
    }
    const kept = isMethod ? parent : node;
    const before = isMethod ? `const ${name} = ({` : `const ${name} = (`;
    const key = childAt(parent, "key");
    const after = isMethod ? `})[${keyText(source, key)}];` : ");";
    this.#kept.set(kept, { start: kept.start, end: kept.end, before, after });
    this.#follow(node);
  }

  /** By which name the module knows the function already. */
  #ownName(node: SyntaxNode, path: readonly SyntaxNode[]) {
    const parent = path.at(-1)!;
    const isNamed = node.type === "FunctionDeclaration" && childAt(node, "id") !== null;
    if (isNamed) return { name: nameOf(childAt(node, "id"))!, declaration: node };
    const isTop = parent.type === "VariableDeclarator" && path.length <= 4 && this.#isTop(parent);
    const name = isTop ? nameOf(childAt(parent, "id")) : null;
    return name === null ? null : { name, declaration: parent };
  }

  /** Whether a declarator stands at the top of the module. */
  #isTop(declarator: SyntaxNode): boolean {
    const above = (this.#paths.get(declarator) ?? []).map(({ type }) => type);
    return /^Program(,ExportNamedDeclaration)?,VariableDeclaration$/.test(above.join());
  }

  /** Everything from outside that the code uses is kept as well. */
  #follow(code: SyntaxNode): void {
    walk(code, (node) => {
      const binding = this.#scopes.references.get(node)?.binding;
      if (binding == null) return;
      const isOwn = binding.node.start >= code.start && binding.node.end <= code.end;
      if (!isOwn) this.#keepBinding(binding, node);
    });
  }

  #keepBinding(binding: Binding, use: SyntaxNode): void {
    const { kind, origin, scope } = binding;
    const path = this.#paths.get(binding.node) ?? [];
    if (kind === "function" || kind === "class" || kind === "enum") {
      if (origin !== null) this.#keep(origin);
      return;
    }
    if (kind === "import" && origin !== null) {
      this.#keep(origin);
      return;
    }
    const declarator = path.findLast(({ type }) => type === "VariableDeclarator");
    if (declarator === undefined || scope !== this.#scopes.module || !this.#isTop(declarator)) {
      const text =
        `"${binding.name}" is a variable of a block; only the top of a module travels: put it in ` +
        `\`params\` and read \`context.params.${binding.name}\``;
      throw refused(this.#module, use.start, text);
    }
    this.#keep(declarator);
  }

  #keep(node: SyntaxNode): void {
    if (this.#kept.has(node)) return;
    const { start, end, type } = node;
    const isVariable = type === "VariableDeclarator";
    const kind = isVariable ? String((this.#paths.get(node) ?? []).at(-1)?.kind ?? "const") : "";
    const around = isVariable ? { before: `${kind} `, after: ";" } : { before: "", after: ";" };
    this.#kept.set(node, { start, end, ...around });
    if (type !== "ImportDeclaration") this.#follow(node);
  }

  /** The module's text, with the exports of the roots at its end. */
  text(roots: readonly FoundRoot[]): string {
    const { source } = this.#module;
    const ordered = [...this.#kept].sort(([, a], [, b]) => a.start - b.start || b.end - a.end);
    this.#refuseNested(ordered);
    let text = "";
    let at = 0;
    for (const [, { start, end, before, after }] of ordered) {
      text = withRoom(text + blank(source.slice(at, start)), before) + source.slice(start, end);
      text += after;
      at = end;
    }
    const exports = roots.map(({ node }, n) => `${this.#names.get(node)} as function${n}`);
    return `${text + blank(source.slice(at))}\nexport { ${exports.join(", ")} };\n`;
  }

  /** A function inside another one that travels, or two of one name. */
  #refuseNested(ordered: ReadonlyArray<readonly [SyntaxNode, Kept]>): void {
    let end = 0;
    const names = new Set<string>();
    for (const [node, kept] of ordered) {
      const name = nameOf(childAt(node, "id"));
      const isTaken = name !== null && names.has(name);
      if (name !== null) names.add(name);
      if (kept.start >= end && !isTaken) {
        end = kept.end;
        continue;
      }
      const what = name === null ? "a function" : `"${name}"`;
      const why = isTaken ? "two functions have its name" : "what is around it travels as well";
      throw refused(
        this.#module,
        kept.start,
        `${what} is used from outside, and ${why}: move it to the top of the module`,
      );
    }
  }
}

function keyText(source: string, key: SyntaxNode | null): string {
  if (key === null) return '""';
  const text = source.slice(key.start, key.end);
  return key.type === "Identifier" ? JSON.stringify(text) : text;
}

/** As many lines, and as many columns. */
function blank(text: string): string {
  return text.replace(/[^\n\r]/g, " ");
}

/** In the place of blanks where there are enough, so that columns stay what they are. */
function withRoom(text: string, before: string): string {
  if (before === "") return text;
  const room = / *$/.exec(text.slice(-before.length))![0].length;
  return room >= before.length ? text.slice(0, -before.length) + before : text + before;
}

/** `this` of an arrow function is that of the code around it, which does not travel. */
function refuseThis(module: ProgramModule, code: SyntaxNode, role: string): void {
  if (code.type !== "ArrowFunctionExpression") return;
  walk(code, (node) => {
    if (node.type === "ThisExpression") {
      const text = `${role} uses \`this\` of the code around it; use \`params\` instead`;
      throw refused(module, node.start, text);
    }
    return !(isClass(node) || (isFunction(node) && node.type !== "ArrowFunctionExpression"));
  });
}
