/** Makes one module of the job in the editor and the SDK, with a source map back to the editor's
 *  lines: this module is sent to the workers. */
import ts from "typescript";
import { type BuildFailure, failureAt } from "./failure.ts";

/** The SDK: a statement that declares `name`, and the names that can be imported. */
export type Sdk = {
  readonly name: string;
  readonly code: string;
  readonly names: readonly string[];
};

export const fileName = "job.ts";
const sdkModule = "tequio";

/** Throws `BuildFailure`. */
export function bundleSource(source: string, sdk: Sdk): string {
  const made = ts.transpileModule(source, {
    fileName,
    reportDiagnostics: true,
    compilerOptions: {
      module: ts.ModuleKind.ESNext,
      target: ts.ScriptTarget.ES2024,
      sourceMap: true,
    },
    transformers: { before: [refuseOthers], after: [importsOf(sdk)] },
  });
  const [first] = made.diagnostics ?? [];
  if (first !== undefined) {
    const text = ts.flattenDiagnosticMessageText(first.messageText, " ");
    throw failureAt(source, first.start ?? 0, text);
  }
  const { mappings } = JSON.parse(made.sourceMapText ?? "{}") as { mappings: string };
  const before = ";".repeat(sdk.code.split("\n").length);
  const map = {
    version: 3,
    file: "job.js",
    sources: [fileName],
    sourcesContent: [source],
    names: [],
    mappings: before + mappings,
  };
  const code = made.outputText.replace(/\n?\/\/# sourceMappingURL=\S+\s*$/, "");
  return `${sdk.code}\n${code}\n//# sourceMappingURL=${dataUrl(JSON.stringify(map))}\n`;
}

function dataUrl(text: string): string {
  let bytes = "";
  for (const byte of new TextEncoder().encode(text)) bytes += String.fromCharCode(byte);
  return `data:application/json;charset=utf-8;base64,${btoa(bytes)}`;
}

/** A module of the page stands alone: besides the SDK nothing can be imported. */
function refuseOthers() {
  return (file: ts.SourceFile): ts.SourceFile => {
    const visit = (node: ts.Node): void => {
      const from = importedBy(node);
      if (from !== null && !(from === sdkModule && ts.isImportDeclaration(node))) {
        const what = from === sdkModule ? "by `import { … }` only" : `not "${from}"`;
        const text = `only "${sdkModule}" can be imported here, ${what}; see \`tequio run\``;
        throw failureAt(file.text, node.getStart(file), text);
      }
      ts.forEachChild(node, visit);
    };
    visit(file);
    return file;
  };
}

/** The module from which a node imports or re-exports, types aside; null = none. */
function importedBy(node: ts.Node): string | null {
  if (ts.isImportDeclaration(node)) {
    return node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
      ? null
      : textOf(node.moduleSpecifier);
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
    return node.isTypeOnly ? null : textOf(node.moduleSpecifier);
  }
  if (ts.isImportEqualsDeclaration(node)) return node.getText();
  const isCall = ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
  return isCall ? textOf(node.arguments[0]) : null;
}

function textOf(node: ts.Node | undefined): string {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : "…";
}

/** Replaces imports, after types are removed, by constants before everything else. */
function importsOf(sdk: Sdk) {
  return ({ factory }: ts.TransformationContext) =>
    (file: ts.SourceFile): ts.SourceFile => {
      const imports = file.statements.filter(ts.isImportDeclaration);
      const others = file.statements.filter((one) => !ts.isImportDeclaration(one));
      const own = imports.flatMap((one) => bindingsOf(one, sdk, factory));
      return factory.updateSourceFile(file, [...own, ...others]);
    };
}

function bindingsOf(
  declaration: ts.ImportDeclaration,
  sdk: Sdk,
  factory: ts.NodeFactory,
): ts.Statement[] {
  const { name, namedBindings } = declaration.importClause ?? {};
  const source = ts.getOriginalNode(declaration).getSourceFile();
  const refuse = (node: ts.Node, what: string): BuildFailure => {
    const text = `"${sdkModule}" exports no ${what}; it has ${sdk.names.join(", ")}`;
    return failureAt(source.text, ts.getOriginalNode(node).getStart(source), text);
  };
  if (name !== undefined) throw refuse(name, "default");
  if (namedBindings === undefined) return [];
  if (ts.isNamespaceImport(namedBindings)) {
    return [constant(factory, namedBindings.name.text, sdk.name)];
  }
  const elements = namedBindings.elements.map((element) => {
    const imported = element.propertyName ?? element.name;
    if (!sdk.names.includes(imported.text)) throw refuse(element, imported.text);
    const property = imported.text === element.name.text ? undefined : imported.text;
    return factory.createBindingElement(undefined, property, element.name.text);
  });
  return [constant(factory, factory.createObjectBindingPattern(elements), sdk.name)];
}

function constant(factory: ts.NodeFactory, to: string | ts.BindingName, from: string) {
  const value = factory.createIdentifier(from);
  const one = factory.createVariableDeclaration(to, undefined, undefined, value);
  const list = factory.createVariableDeclarationList([one], ts.NodeFlags.Const);
  return factory.createVariableStatement(undefined, list);
}
