/** What stands in a bundle for a module that no worker has: it throws where it is used, not where
 *  the job is built, since packages look for optional modules and go on without them. */
import { childAt, childrenAt, isNode, nameOf, type SyntaxNode } from "../captured/tree.ts";

/** Of the names that bundled modules have; two for each way to be absent. */
const missingPrefix = "\0absent/";
const emptyPrefix = "\0no-host/";

/** A module that throws when it is loaded: for a `require` or an `import()` inside `try`. */
export function missingModule(source: string): string {
  return missingPrefix + source;
}

/** A module that loads and throws when a name of it is used: for a package's import of a module of
 *  Node at its top, which most packages use on some of their ways only. */
export function hostModule(source: string): string {
  return emptyPrefix + source;
}

/** The code of a name that one of the two above gave; null of any other. */
export function absentCode(id: string): string | null {
  if (id.startsWith(missingPrefix)) {
    const source = JSON.stringify(id.slice(missingPrefix.length));
    const text = JSON.stringify(`Cannot find module ${source}`);
    return `throw Object.assign(new Error(${text}), { code: "MODULE_NOT_FOUND" });`;
  }
  if (!id.startsWith(emptyPrefix)) return null;
  const source = JSON.stringify(id.slice(emptyPrefix.length));
  // The bundler gives a copy of `module.exports` with the same prototype to `import`.
  return `const source = ${source};
const absent = new Proxy({}, {
  get(_, name) {
    if (typeof name === "symbol" || name === "__esModule" || name === "then") return undefined;
    const text = source + "." + name + ": job code has no modules of Node (files, network, " +
      "processes); read what it needs through inputs and params";
    throw Object.assign(new Error(text), { code: "ERR_ACCESS_DENIED" });
  },
});
module.exports = Object.create(absent);`;
}

/** Whether the program goes on without `source`, and there is such a request: every
 *  `require(source)` and `import(source)` is inside a `try` that catches, or is an `import()` whose
 *  rejection is handled by `.catch()` or by the second argument of `.then()`. */
export function isOptional(program: SyntaxNode, source: string): boolean {
  const found = { guarded: 0, bare: 0 };
  look(program, source, false, found);
  return found.guarded > 0 && found.bare === 0;
}

type Found = { guarded: number; bare: number };

function look(node: SyntaxNode, source: string, isGuarded: boolean, found: Found): void {
  if (isRequest(node, source)) {
    if (isGuarded) found.guarded++;
    else found.bare++;
  }
  const catches = node.type === "TryStatement" && childAt(node, "handler") !== null;
  const handles = handlesRejection(node);
  for (const [field, value] of Object.entries(node)) {
    const guards = isGuarded || (catches && field === "block") || (handles && field === "callee");
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child)) look(child, source, guards, found);
    }
  }
}

/** `(…).catch(…)`, `(…).then(…, …)`: of what is before the dot. */
function handlesRejection(node: SyntaxNode): boolean {
  if (node.type !== "CallExpression") return false;
  const callee = childAt(node, "callee");
  if (callee?.type !== "MemberExpression" || callee.computed === true) return false;
  const method = nameOf(childAt(callee, "property"));
  const count = childrenAt(node, "arguments").length;
  return (method === "catch" && count >= 1) || (method === "then" && count >= 2);
}

function isRequest(node: SyntaxNode, source: string): boolean {
  if (node.type === "ImportExpression") return isText(childAt(node, "source"), source);
  if (node.type !== "CallExpression" || nameOf(childAt(node, "callee")) !== "require") return false;
  return isText(childrenAt(node, "arguments")[0] ?? null, source);
}

function isText(node: SyntaxNode | null, source: string): boolean {
  return node?.type === "Literal" && node.value === source;
}
