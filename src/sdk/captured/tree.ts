/** The syntax tree as the scope analysis walks it: only what exists when the code runs, no
 *  types. */

/** An ESTree node as `rolldown/experimental` parses it; fields depend on `type`. */
export type SyntaxNode = {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
};

export function isNode(value: unknown): value is SyntaxNode {
  return (
    typeof value === "object" && value !== null && typeof Reflect.get(value, "type") === "string"
  );
}

export function childAt(node: SyntaxNode, field: string): SyntaxNode | null {
  const child = node[field];
  return isNode(child) ? child : null;
}

export function childrenAt(node: SyntaxNode, field: string): SyntaxNode[] {
  const children = node[field];
  return Array.isArray(children) ? children.filter(isNode) : [];
}

/** The text of an Identifier, or null. */
export function nameOf(node: SyntaxNode | null): string | null {
  return node?.type === "Identifier" && typeof node.name === "string" ? node.name : null;
}

/** The name of a property, method or field that is not computed. */
export function keyOf(node: SyntaxNode): string | null {
  if (node.computed === true) return null;
  const key = childAt(node, "key");
  if (key?.type === "Literal") return String(key.value);
  return nameOf(key);
}

const functionTypes = new Set([
  "FunctionDeclaration",
  "FunctionExpression",
  "ArrowFunctionExpression",
]);

export function isFunction(node: SyntaxNode): boolean {
  return functionTypes.has(node.type);
}

export function isClass(node: SyntaxNode): boolean {
  return node.type === "ClassDeclaration" || node.type === "ClassExpression";
}

/** TypeScript nodes that hold code that runs; every other node named `TS…` is a type. */
const runningTypes = new Set([
  "TSAsExpression",
  "TSSatisfiesExpression",
  "TSNonNullExpression",
  "TSTypeAssertion",
  "TSInstantiationExpression",
  "TSParameterProperty",
  "TSEnumDeclaration",
  "TSEnumBody",
  "TSEnumMember",
  "TSModuleDeclaration",
  "TSModuleBlock",
  "TSExportAssignment",
]);

/** Fields whose identifiers name no variable. */
const namesOnly: Readonly<Record<string, string>> = {
  LabeledStatement: "label",
  BreakStatement: "label",
  ContinueStatement: "label",
  ImportSpecifier: "imported",
  ExportSpecifier: "exported",
  ExportAllDeclaration: "exported",
  TSEnumMember: "id",
};
const keyed = new Set(["Property", "MethodDefinition", "PropertyDefinition", "AccessorProperty"]);

/** The children of a node that run or bind, in source order. */
export function children(node: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  if (node.declare === true || node.type === "MetaProperty") return found;
  for (const [field, value] of Object.entries(node)) {
    if (namesOnly[node.type] === field) continue;
    if (field === "key" && keyed.has(node.type) && node.computed !== true) continue;
    if (field === "property" && node.type === "MemberExpression" && node.computed !== true) {
      continue;
    }
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child) && (!child.type.startsWith("TS") || runningTypes.has(child.type))) {
        found.push(child);
      }
    }
  }
  return found;
}

/** The expression inside parentheses and type assertions. */
export function bare(node: SyntaxNode): SyntaxNode {
  const inner = childAt(node, "expression");
  const wraps = node.type === "ParenthesizedExpression" || runningTypes.has(node.type);
  return wraps && inner !== null ? bare(inner) : node;
}

/** 1-based line and column of an offset in UTF-16 units. */
export function lineAndColumn(source: string, offset: number): { line: number; column: number } {
  const before = source.slice(0, offset);
  const start = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: offset - start + 1 };
}
