/** The job's syntax tree in the form that the SDK's search for captured variables walks: ESTree, as
 *  the bundler of `tequio run` parses it, made from the compiler's tree. Types are left out. */
import ts from "typescript";
import { functionOf } from "./functions.ts";
import { moduleOf } from "./modules.ts";
import { has, type Make, placed, type Tree } from "./nodes.ts";
import { assignmentOf, patternOf } from "./patterns.ts";
import { plainOf } from "./plain.ts";

export function treeOf(source: string): object {
  const file = ts.createSourceFile("job.ts", source, ts.ScriptTarget.ES2024, true);
  const make: Make = (node) => {
    if (node === undefined || isType(node) || ts.isOmittedExpression(node)) return null;
    const fields =
      patternOf(node, make) ??
      assignmentOf(node, make) ??
      functionOf(node, make) ??
      moduleOf(node, make) ??
      plainOf(node, make);
    return fields === null ? null : exported(node, placed(node, fields));
  };
  return { type: "Program", start: 0, end: source.length, body: file.statements.map(make) };
}

/** In ESTree, `export` before a declaration is a node around it. */
function exported(node: ts.Node, declaration: Tree): Tree {
  if (!has(node, ts.SyntaxKind.ExportKeyword)) return declaration;
  const kind = has(node, ts.SyntaxKind.DefaultKeyword) ? "Default" : "Named";
  return placed(node, { type: `Export${kind}Declaration`, declaration });
}

/** `f<string>` runs, though the compiler's kind is that of a type. */
function isType(node: ts.Node): boolean {
  return ts.isTypeNode(node) && !ts.isExpressionWithTypeArguments(node);
}
