/** Finds the one place in the product that an edit changes, by the name of a function and a pattern
 *  of syntax: files may move and be formatted, and the variables inside may be renamed, without the
 *  planted bugs being written anew.
 *
 *  A pattern is an expression, or statements that follow one another. A name that begins with `$`
 *  stands for any one node, and the same name for the same text everywhere; `put` may use it. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import ts from "typescript";
import type { Place } from "./planting.ts";

export type Edit = {
  /** A declared function, method, class or constant, wherever it is below `src`. */
  readonly in: string;
  readonly find: string;
  readonly put: string;
};

type Names = Map<string, string>;

const root = join(import.meta.dirname, "..", "..");
/** Tests are no part of the product. */
const isOfProduct = /^src\/.*(?<!\.test|\.d)\.ts$/;
const sources = new Map<string, string>();
const trees = new Map<string, ts.SourceFile>();

/** Throws unless the edit has exactly one place. */
export function placeOf(edit: Edit): Place {
  const places = placesOf(edit);
  if (places.length === 1) return places[0]!;
  const found = places.map(({ file }) => file).join(", ") || "none";
  throw new Error(`${edit.in} must have exactly one: ${edit.find}\n(it has ${found})`);
}

export function placesOf(edit: Edit): Place[] {
  const pattern = patternOf(edit.find);
  const places: Place[] = [];
  for (const [file, text] of productSources()) {
    if (!text.includes(edit.in)) continue;
    const tree = treeOf(file, text);
    for (const declaration of declarationsOf(tree, edit.in)) {
      for (const { names, nodes } of matchesIn(declaration, pattern)) {
        const start = nodes[0]!.getStart(tree);
        if (places.some((one) => one.file === file && one.start === start)) continue;
        const put = edit.put.replaceAll(/\$\w+/g, (name) => names.get(name) ?? name);
        places.push({ file, start, end: nodes.at(-1)!.end, text: put });
      }
    }
  }
  return places;
}

function productSources(): Map<string, string> {
  if (sources.size > 0) return sources;
  for (const name of readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })) {
    const file = relative(root, join(root, "src", name)).replaceAll(sep, "/");
    if (isOfProduct.test(file)) sources.set(file, readFileSync(join(root, file), "utf8"));
  }
  return sources;
}

function treeOf(file: string, text: string): ts.SourceFile {
  const known = trees.get(file);
  if (known !== undefined) return known;
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  trees.set(file, tree);
  return tree;
}

function declarationsOf(tree: ts.SourceFile, name: string): ts.Node[] {
  const found: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    const named = (node as ts.NamedDeclaration).name;
    const isDeclared = ts.isFunctionLike(node) || ts.isClassLike(node);
    const isDeclaration = isDeclared || ts.isVariableDeclaration(node);
    if (isDeclaration && named !== undefined && named.getText(tree) === name) found.push(node);
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

/** The nodes of a pattern: one expression, or statements. */
function patternOf(find: string): ts.Node[] {
  const text = `async function* pattern() {\n${find}\n}`;
  const tree = ts.createSourceFile("pattern.ts", text, ts.ScriptTarget.Latest, true);
  const { body } = tree.statements[0] as ts.FunctionDeclaration;
  const statements = [...body!.statements];
  const [first] = statements;
  const isExpression = !/[;}]\s*$/.test(find);
  if (isExpression && statements.length === 1 && ts.isExpressionStatement(first!)) {
    return [first.expression];
  }
  return statements;
}

function matchesIn(
  declaration: ts.Node,
  pattern: readonly ts.Node[],
): Array<{ readonly names: Names; readonly nodes: readonly ts.Node[] }> {
  const found: Array<{ names: Names; nodes: readonly ts.Node[] }> = [];
  const consider = (nodes: readonly ts.Node[]): void => {
    const names: Names = new Map();
    if (nodes.every((node, index) => matches(node, pattern[index]!, names))) {
      found.push({ names, nodes });
    }
  };
  const visit = (node: ts.Node): void => {
    if (pattern.length === 1) consider([node]);
    else if (ts.isBlock(node)) {
      const last = node.statements.length - pattern.length;
      for (let at = 0; at <= last; at++) consider(node.statements.slice(at, at + pattern.length));
    }
    ts.forEachChild(node, visit);
  };
  visit(declaration);
  return found;
}

/** Whether both are the same syntax; comments, line breaks and last commas do not count. */
function matches(node: ts.Node, pattern: ts.Node, names: Names): boolean {
  const wanted = pattern.getText();
  if (/^\$\w+$/.test(wanted) && ts.isIdentifier(pattern)) {
    const text = node.getText();
    const known = names.get(wanted);
    if (known === undefined) names.set(wanted, text);
    return known === undefined || known === text;
  }
  if (node.kind !== pattern.kind) return false;
  const parts = partsOf(pattern);
  if (parts.length === 0) return node.getText() === wanted;
  const others = partsOf(node);
  if (others.length !== parts.length) return false;
  return parts.every((part, index) => matches(others[index]!, part, names));
}

function partsOf(node: ts.Node): ts.Node[] {
  const parts = node.getChildren().filter(({ kind }) => !isComment(kind));
  const isCut = node.kind === ts.SyntaxKind.SyntaxList;
  if (isCut && parts.at(-1)?.kind === ts.SyntaxKind.CommaToken) parts.pop();
  return parts;
}

function isComment(kind: ts.SyntaxKind): boolean {
  return kind >= ts.SyntaxKind.FirstJSDocNode && kind <= ts.SyntaxKind.LastJSDocNode;
}
