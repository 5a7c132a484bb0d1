/** What a function that runs while the module is evaluated leaves behind. A counter that is made by
 *  `(() => { let n = 0; return () => n++; })()`, for example, is a variable of each worker's own,
 *  like a `let` of the module that is assigned later. */
import { walk } from "./roots.ts";
import type { Reference, Scopes } from "./scopes.ts";
import { bare, childAt, children, isClass, isFunction, type SyntaxNode } from "./tree.ts";

/** Assignments to variables of `called` by functions that it returns, in source order. Functions
 *  that it only hands to others (`forEach`) have run when it returns, so theirs are fine. */
export function keptWrites(called: SyntaxNode, scopes: Scopes): Reference[] {
  const returned = new ReturnedCode(called, scopes).collect();
  return returned.flatMap((code) => {
    const writes: Reference[] = [];
    walk(code, (node) => {
      const reference = scopes.references.get(node);
      const { binding } = reference ?? {};
      if (reference?.isWrite !== true || binding == null) return;
      if (isInside(binding.node, called) && !isInside(binding.node, code)) writes.push(reference);
    });
    return writes;
  });
}

function isInside(node: SyntaxNode, code: SyntaxNode): boolean {
  return node.start >= code.start && node.end <= code.end;
}

class ReturnedCode {
  readonly #called: SyntaxNode;
  readonly #scopes: Scopes;
  readonly #seen = new Set<SyntaxNode>();
  readonly #found: SyntaxNode[] = [];

  constructor(called: SyntaxNode, scopes: Scopes) {
    this.#called = called;
    this.#scopes = scopes;
  }

  collect(): readonly SyntaxNode[] {
    const body = childAt(this.#called, "body");
    if (body !== null && body.type !== "BlockStatement") this.#returned(body);
    else if (body !== null) {
      walk(body, (node) => {
        if (isFunction(node) || isClass(node)) return false;
        const value = node.type === "ReturnStatement" ? childAt(node, "argument") : null;
        if (value !== null) this.#returned(value);
        return true;
      });
    }
    return this.#found;
  }

  /** Functions and classes in an expression, by name or written there. */
  #returned(wrapped: SyntaxNode): void {
    const node = bare(wrapped);
    if (this.#seen.has(node)) return;
    this.#seen.add(node);
    if (isFunction(node) || isClass(node)) {
      this.#found.push(node);
      return;
    }
    const origin = this.#scopes.references.get(node)?.binding?.origin;
    if (origin != null && isInside(origin, this.#called)) this.#returned(origin);
    if (node.type === "CallExpression") return;
    for (const child of children(node)) this.#returned(child);
  }
}
