/** What all parts of the syntax tree are built with. */
import ts from "typescript";

/** Fields of a node in the order in which they run. */
export type Tree = { readonly type: string; readonly [field: string]: unknown };
/** Null for what does not run, such as types. */
export type Make = (node: ts.Node | undefined) => Tree | null;

export function placed(node: ts.Node, fields: Tree): Tree {
  return { start: node.getStart(), end: node.end, ...fields };
}

export function has(node: ts.Node, kind: ts.SyntaxKind): boolean {
  const modifiers = ts.canHaveModifiers(node) ? ts.getModifiers(node) : undefined;
  return modifiers?.some((one) => one.kind === kind) === true;
}

/** The key of a property or of a member. */
export function keyOf(name: ts.PropertyName, make: Make) {
  const computed = ts.isComputedPropertyName(name);
  return { key: make(computed ? name.expression : name), computed };
}
