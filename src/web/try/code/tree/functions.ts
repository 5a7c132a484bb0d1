/** Functions and methods, and their parts. */
import ts from "typescript";
import { has, keyOf, type Make, placed, type Tree } from "./nodes.ts";

export function functionOf(node: ts.Node, make: Make): Tree | null {
  if (ts.isArrowFunction(node)) return { type: "ArrowFunctionExpression", ...partsOf(node, make) };
  if (ts.isFunctionExpression(node)) return { type: "FunctionExpression", ...partsOf(node, make) };
  if (ts.isFunctionDeclaration(node)) {
    // Without a body it only declares a type.
    const type = node.body === undefined ? "TSDeclareFunction" : "FunctionDeclaration";
    return { type, ...partsOf(node, make) };
  }
  if (ts.isConstructorDeclaration(node)) {
    const key = { type: "Identifier", name: "constructor" };
    return { type: "MethodDefinition", key, value: methodOf(node, make) };
  }
  if (!ts.isMethodDeclaration(node) && !ts.isAccessor(node)) return null;
  const value = methodOf(node, make);
  if (ts.isObjectLiteralExpression(node.parent)) {
    return { type: "Property", ...keyOf(node.name, make), value };
  }
  const isStatic = has(node, ts.SyntaxKind.StaticKeyword);
  return { type: "MethodDefinition", ...keyOf(node.name, make), value, static: isStatic };
}

function methodOf(node: ts.FunctionLikeDeclaration, make: Make): Tree | null {
  if (node.body === undefined) return null;
  return placed(node, { type: "FunctionExpression", ...partsOf(node, make), id: null });
}

function partsOf(node: ts.FunctionLikeDeclaration, make: Make) {
  const isNamed = ts.isFunctionDeclaration(node) || ts.isFunctionExpression(node);
  // `this` as a parameter is only a type.
  const own = node.parameters.filter(({ name }) => name.getText() !== "this");
  return {
    id: isNamed ? make(node.name) : null,
    params: own.map(make),
    body: make(node.body),
  };
}
