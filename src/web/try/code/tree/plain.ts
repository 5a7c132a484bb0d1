/** Nodes whose parts become parts of the same kind: a table of both names. */
import ts from "typescript";
import { has, keyOf, type Make, type Tree } from "./nodes.ts";

const { SyntaxKind: Kind } = ts;

/** By the compiler's kind: the type, then `field` or `field=compiler's field`. */
const shapes: Readonly<Partial<Record<ts.SyntaxKind, string>>> = {
  [Kind.ArrayLiteralExpression]: "ArrayExpression elements",
  [Kind.AsExpression]: "TSAsExpression expression",
  [Kind.AwaitExpression]: "AwaitExpression argument=expression",
  [Kind.Block]: "BlockStatement body=statements",
  [Kind.BreakStatement]: "BreakStatement label",
  [Kind.CaseClause]: "SwitchCase test=expression consequent=statements",
  [Kind.ClassStaticBlockDeclaration]: "StaticBlock body=body.statements",
  [Kind.CatchClause]: "CatchClause param=variableDeclaration.name body=block",
  [Kind.ComputedPropertyName]: "ParenthesizedExpression expression",
  [Kind.ConditionalExpression]:
    "ConditionalExpression test=condition consequent=whenTrue alternate=whenFalse",
  [Kind.ContinueStatement]: "ContinueStatement label",
  [Kind.DefaultClause]: "SwitchCase consequent=statements",
  [Kind.DeleteExpression]: "UnaryExpression argument=expression",
  [Kind.DoStatement]: "DoWhileStatement body=statement test=expression",
  [Kind.ExpressionStatement]: "ExpressionStatement expression",
  [Kind.ExpressionWithTypeArguments]: "TSInstantiationExpression expression",
  [Kind.ForStatement]:
    "ForStatement init=initializer test=condition update=incrementor body=statement",
  [Kind.IfStatement]:
    "IfStatement test=expression consequent=thenStatement alternate=elseStatement",
  [Kind.LabeledStatement]: "LabeledStatement label body=statement",
  [Kind.NewExpression]: "NewExpression callee=expression arguments",
  [Kind.NonNullExpression]: "TSNonNullExpression expression",
  [Kind.ObjectLiteralExpression]: "ObjectExpression properties",
  [Kind.ParenthesizedExpression]: "ParenthesizedExpression expression",
  [Kind.PostfixUnaryExpression]: "UpdateExpression argument=operand",
  [Kind.ReturnStatement]: "ReturnStatement argument=expression",
  [Kind.SatisfiesExpression]: "TSSatisfiesExpression expression",
  [Kind.SpreadAssignment]: "SpreadElement argument=expression",
  [Kind.SpreadElement]: "SpreadElement argument=expression",
  [Kind.SwitchStatement]: "SwitchStatement discriminant=expression cases=caseBlock.clauses",
  [Kind.TaggedTemplateExpression]: "TaggedTemplateExpression tag quasi=template",
  [Kind.TemplateExpression]: "TemplateLiteral expressions=templateSpans",
  [Kind.TemplateSpan]: "ParenthesizedExpression expression",
  [Kind.ThrowStatement]: "ThrowStatement argument=expression",
  [Kind.TryStatement]: "TryStatement block=tryBlock handler=catchClause finalizer=finallyBlock",
  [Kind.TypeAssertionExpression]: "TSTypeAssertion expression",
  [Kind.TypeOfExpression]: "UnaryExpression argument=expression",
  [Kind.VoidExpression]: "UnaryExpression argument=expression",
  [Kind.WhileStatement]: "WhileStatement test=expression body=statement",
  [Kind.YieldExpression]: "YieldExpression argument=expression",
};

/** Null for nodes that neither run nor bind a name. */
export function plainOf(node: ts.Node, make: Make): Tree | null {
  const shape = shapes[node.kind];
  if (shape !== undefined) return shaped(node, shape.split(" "), make);
  if (ts.isIdentifier(node)) return { type: "Identifier", name: node.text };
  if (ts.isStringLiteralLike(node) || ts.isNumericLiteral(node)) {
    return { type: "Literal", value: node.text };
  }
  if (ts.isPropertyAssignment(node)) {
    return { type: "Property", ...keyOf(node.name, make), value: make(node.initializer) };
  }
  if (ts.isShorthandPropertyAssignment(node)) {
    return { type: "Property", ...keyOf(node.name, make), value: make(node.name) };
  }
  if (ts.isPropertyDeclaration(node)) {
    const isStatic = has(node, Kind.StaticKeyword);
    const parts = { ...keyOf(node.name, make), value: make(node.initializer) };
    return { type: "PropertyDefinition", ...parts, static: isStatic };
  }
  return expressionOf(node, make) ?? classOf(node, make);
}

function shaped(node: ts.Node, [type, ...fields]: readonly string[], make: Make): Tree {
  const tree: Record<string, unknown> = {};
  for (const field of fields) {
    const [name, from = name] = field.split("=") as [string, string?];
    const part = from.split(".").reduce<unknown>((at, step) => Object(at)[step], node);
    tree[name] = Array.isArray(part) ? part.map(make) : make(part as ts.Node | undefined);
  }
  return { type: type as string, ...tree };
}

function expressionOf(node: ts.Node, make: Make): Tree | null {
  if (ts.isPropertyAccessExpression(node)) {
    const parts = { object: make(node.expression), property: make(node.name) };
    return { type: "MemberExpression", ...parts, computed: false };
  }
  if (ts.isElementAccessExpression(node)) {
    const parts = { object: make(node.expression), property: make(node.argumentExpression) };
    return { type: "MemberExpression", ...parts, computed: true };
  }
  if (ts.isCallExpression(node)) {
    const given = node.arguments.map(make);
    return node.expression.kind === Kind.ImportKeyword
      ? { type: "ImportExpression", source: given[0] }
      : { type: "CallExpression", callee: make(node.expression), arguments: given };
  }
  if (ts.isPrefixUnaryExpression(node)) {
    const isUpdate = node.operator === Kind.PlusPlusToken || node.operator === Kind.MinusMinusToken;
    return {
      type: isUpdate ? "UpdateExpression" : "UnaryExpression",
      argument: make(node.operand),
    };
  }
  if (ts.isBinaryExpression(node)) {
    return { type: "BinaryExpression", left: make(node.left), right: make(node.right) };
  }
  if (!ts.isMetaProperty(node)) return null;
  const name = node.keywordToken === Kind.ImportKeyword ? "import" : "new";
  return { type: "MetaProperty", meta: { type: "Identifier", name }, property: make(node.name) };
}

function classOf(node: ts.Node, make: Make): Tree | null {
  if (!ts.isClassLike(node)) return null;
  const clauses = node.heritageClauses ?? [];
  const parent = clauses.find(({ token }) => token === Kind.ExtendsKeyword)?.types[0];
  const members = node.members.map(make);
  return {
    type: ts.isClassExpression(node) ? "ClassExpression" : "ClassDeclaration",
    declare: has(node, Kind.DeclareKeyword),
    id: make(node.name),
    superClass: make(parent?.expression),
    body: { type: "ClassBody", start: node.members.pos, end: node.end, body: members },
  };
}
