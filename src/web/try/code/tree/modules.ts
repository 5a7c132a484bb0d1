/** Imports, exports, enums and namespaces. */
import ts from "typescript";
import { has, type Make, placed, type Tree } from "./nodes.ts";

export function moduleOf(node: ts.Node, make: Make): Tree | null {
  const declare = has(node, ts.SyntaxKind.DeclareKeyword);
  if (ts.isImportDeclaration(node)) return importOf(node, make);
  if (ts.isExportDeclaration(node)) return exportOf(node, make);
  if (ts.isExportAssignment(node)) {
    const type = node.isExportEquals === true ? "TSExportAssignment" : "ExportDefaultDeclaration";
    const field = node.isExportEquals === true ? "expression" : "declaration";
    return { type, [field]: make(node.expression) };
  }
  if (ts.isEnumDeclaration(node)) {
    const body = placed(node, { type: "TSEnumBody", members: node.members.map(make) });
    return { type: "TSEnumDeclaration", id: make(node.name), body, declare };
  }
  if (ts.isEnumMember(node)) {
    return { type: "TSEnumMember", id: make(node.name), initializer: make(node.initializer) };
  }
  if (ts.isModuleDeclaration(node)) {
    return { type: "TSModuleDeclaration", id: make(node.name), body: make(node.body), declare };
  }
  return ts.isModuleBlock(node) ? { type: "TSModuleBlock", body: node.statements.map(make) } : null;
}

function importOf(node: ts.ImportDeclaration, make: Make): Tree {
  const { name, namedBindings, phaseModifier } = node.importClause ?? {};
  const isType = phaseModifier === ts.SyntaxKind.TypeKeyword;
  const specifiers: Tree[] = [];
  if (name !== undefined) {
    specifiers.push(placed(name, { type: "ImportDefaultSpecifier", local: make(name) }));
  }
  if (namedBindings !== undefined && ts.isNamespaceImport(namedBindings)) {
    const local = make(namedBindings.name);
    specifiers.push(placed(namedBindings, { type: "ImportNamespaceSpecifier", local }));
  } else {
    for (const element of namedBindings?.elements ?? []) {
      const imported = make(element.propertyName ?? element.name);
      const names = { imported, local: make(element.name) };
      specifiers.push(placed(element, { type: "ImportSpecifier", ...names }));
    }
  }
  const source = make(node.moduleSpecifier);
  return { type: "ImportDeclaration", importKind: isType ? "type" : "value", specifiers, source };
}

function exportOf(node: ts.ExportDeclaration, make: Make): Tree {
  const source = make(node.moduleSpecifier);
  const { exportClause } = node;
  if (exportClause === undefined || ts.isNamespaceExport(exportClause)) {
    return { type: "ExportAllDeclaration", exported: make(exportClause?.name), source };
  }
  const specifiers = exportClause.elements.map((element) => {
    const local = make(element.propertyName ?? element.name);
    return placed(element, { type: "ExportSpecifier", local, exported: make(element.name) });
  });
  const exportKind = node.isTypeOnly ? "type" : "value";
  return { type: "ExportNamedDeclaration", exportKind, specifiers, source };
}
