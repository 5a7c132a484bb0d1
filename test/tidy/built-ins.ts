/** Rule: values of Node's HTTP module come from `src/link/node-http.ts`. */
import type { Finding } from "./finding.ts";
import { isNode, type Node, parse, type Source } from "./sources.ts";

const rule = "http-imports";

export function httpFindings(sources: readonly Source[]): Finding[] {
  const product = sources.filter(
    ({ isTest, path }) => !isTest && /^src\/(?!.*\/testing\/)/.test(path),
  );
  return product.flatMap((source) => {
    if (!parse(source).some(importsHttp)) return [];
    const text = `${source.path}: an import of node:http loads fetch; use link/node-http.ts`;
    return [{ rule, where: source.path, measured: 1, text }];
  });
}

function importsHttp(node: Node): boolean {
  const from = node.source;
  if (node.type !== "ImportDeclaration" || !isNode(from) || from.value !== "node:http")
    return false;
  const names = node.specifiers as readonly Node[];
  return node.importKind !== "type" && names.some(({ importKind }) => importKind !== "type");
}
