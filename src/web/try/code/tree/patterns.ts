/** Names that are declared or assigned: variables, parameters, patterns, left-hand sides. */
import ts from "typescript";
import { keyOf, type Make, placed, type Tree } from "./nodes.ts";

/** A pattern that declares names. */
export function patternOf(node: ts.Node, make: Make): Tree | null {
  if (ts.isVariableStatement(node)) {
    const isDeclared = node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.DeclareKeyword);
    return { ...listOf(node.declarationList, make), declare: isDeclared === true };
  }
  if (ts.isVariableDeclarationList(node)) return listOf(node, make);
  if (ts.isVariableDeclaration(node)) {
    return { type: "VariableDeclarator", id: make(node.name), init: make(node.initializer) };
  }
  if (ts.isParameter(node)) return parameterOf(node, make);
  if (ts.isArrayBindingPattern(node)) {
    return { type: "ArrayPattern", elements: node.elements.map(make) };
  }
  if (ts.isObjectBindingPattern(node)) {
    const properties = node.elements.map((element) => {
      const value = make(element);
      if (element.dotDotDotToken !== undefined) return value;
      const name = element.propertyName ?? (element.name as ts.Identifier);
      return placed(element, { type: "Property", ...keyOf(name, make), value });
    });
    return { type: "ObjectPattern", properties };
  }
  return ts.isBindingElement(node) ? boundOf(node, make) : null;
}

function listOf(node: ts.VariableDeclarationList, make: Make): Tree {
  const { Const, Let } = ts.NodeFlags;
  const kind = node.flags & Let ? "let" : node.flags & Const ? "const" : "var";
  const isUsing = (node.flags & ts.NodeFlags.BlockScoped) === ts.NodeFlags.Using;
  const declarations = node.declarations.map(make);
  return { type: "VariableDeclaration", kind: isUsing ? "const" : kind, declarations };
}

/** With modifiers the parameter is also a field. */
function parameterOf(node: ts.ParameterDeclaration, make: Make): Tree {
  const parameter = boundOf(node, make);
  if (node.modifiers === undefined) return parameter;
  return { type: "TSParameterProperty", parameter: placed(node, parameter) };
}

function boundOf(node: ts.BindingElement | ts.ParameterDeclaration, make: Make): Tree {
  const name = make(node.name) as Tree;
  if (node.dotDotDotToken !== undefined) return { type: "RestElement", argument: name };
  if (node.initializer === undefined) return name;
  return { type: "AssignmentPattern", left: name, right: make(node.initializer) };
}

/** A pattern that assigns to names that are declared elsewhere. */
export function assignmentOf(node: ts.Node, make: Make): Tree | null {
  if (ts.isForInStatement(node) || ts.isForOfStatement(node)) {
    const { expression, initializer, statement } = node;
    const isNew = ts.isVariableDeclarationList(initializer);
    const type = ts.isForInStatement(node) ? "ForInStatement" : "ForOfStatement";
    const left = isNew ? make(initializer) : targetOf(initializer, make);
    return { type, left, right: make(expression), body: make(statement) };
  }
  if (!isAssignment(node)) return null;
  const operator = node.operatorToken.getText();
  const left = operator === "=" ? targetOf(node.left, make) : make(node.left);
  return { type: "AssignmentExpression", operator, left, right: make(node.right) };
}

function isAssignment(node: ts.Node): node is ts.BinaryExpression {
  if (!ts.isBinaryExpression(node)) return false;
  const { kind } = node.operatorToken;
  return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment;
}

function targetOf(node: ts.Expression, make: Make): Tree | null {
  if (ts.isArrayLiteralExpression(node)) {
    const elements = node.elements.map((element) => targetOf(element, make));
    return placed(node, { type: "ArrayPattern", elements });
  }
  if (ts.isSpreadElement(node)) {
    return placed(node, { type: "RestElement", argument: targetOf(node.expression, make) });
  }
  if (ts.isObjectLiteralExpression(node)) {
    const properties = node.properties.map((property) => propertyOf(property, make));
    return placed(node, { type: "ObjectPattern", properties });
  }
  if (isAssignment(node)) {
    const [left, right] = [targetOf(node.left, make), make(node.right)];
    return placed(node, { type: "AssignmentPattern", left, right });
  }
  return make(node);
}

function propertyOf(node: ts.ObjectLiteralElementLike, make: Make): Tree | null {
  if (ts.isSpreadAssignment(node)) {
    return placed(node, { type: "RestElement", argument: targetOf(node.expression, make) });
  }
  if (ts.isPropertyAssignment(node)) {
    const value = targetOf(node.initializer, make);
    return placed(node, { type: "Property", ...keyOf(node.name, make), value });
  }
  if (!ts.isShorthandPropertyAssignment(node)) return make(node);
  const { name, objectAssignmentInitializer: init } = node;
  const left = make(name);
  const withDefault = { type: "AssignmentPattern", left, right: make(init) };
  const value = init === undefined ? left : placed(node, withDefault);
  return placed(node, { type: "Property", ...keyOf(name, make), value });
}
