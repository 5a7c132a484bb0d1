/** Rules: sizes of files, lines, functions and interfaces. */
import type { Finding } from "./finding.ts";
import { isNode, lineOf, type Node, parse, type Source, walk } from "./sources.ts";

const fileLinesMax = 400;
const functionLinesMax = 60;
const parametersMax = 4;
const interfaceMembersMax = 8;
const lineColumnsMax = 100;

export function fileFindings(sources: readonly Source[]): Finding[] {
  return sources
    .filter((source) => source.lines.length > fileLinesMax)
    .map((source) => {
      const measured = source.lines.length;
      const text = `${source.path}: ${measured} lines, at most ${fileLinesMax}`;
      return { rule: "file-lines", where: source.path, measured, text };
    });
}

/** Files in Python are held to the same sizes as far as lines show them. */
export function pythonFindings(sources: readonly Source[]): Finding[] {
  const shapes = sources.flatMap((source) =>
    pythonFunctions(source).flatMap(({ at, lines, name, parameters }) => {
      const where = `${source.path}:${at}: ${name}`;
      const measured = lines > functionLinesMax ? lines : parameters;
      if (lines <= functionLinesMax && parameters <= parametersMax) return [];
      const text = `${where} has ${lines} lines and ${parameters} parameters`;
      return [{ rule: "function-shape", where, measured, text }];
    }),
  );
  return [...fileFindings(sources), ...lineFindings(sources), ...shapes];
}

function pythonFunctions({ lines }: Source) {
  return lines.flatMap((line, index) => {
    const [, indent, name] = /^( *)(?:async )?def (\w+)\(/.exec(line) ?? [];
    if (indent === undefined || name === undefined) return [];
    const inside = new RegExp(`^(?: {${indent.length + 1}}|\\s*$|${indent}\\)| *[)\\]}])`);
    let end = index + 1;
    while (end < lines.length && inside.test(lines[end]!)) end++;
    const whole = lines.slice(index, end).join("\n").trimEnd();
    // What it says of itself is not what it does.
    const body = whole.replace(/ *"""[\s\S]*?"""\n?/, "");
    // Keyword arguments are named where they are given.
    const [, given = ""] = /\(([^*]*?)(?:\*[^)]*)?\)/s.exec(body) ?? [];
    const all = given.split(",").filter((part) => /^\s*\w/.test(part));
    const parameters = all.filter((part) => !/^\s*(self|cls)\b/.test(part)).length;
    return [{ at: index + 1, lines: body.split("\n").length, name, parameters }];
  });
}

export function lineFindings(sources: readonly Source[]): Finding[] {
  return sources.flatMap((source) =>
    source.lines.flatMap((line, index) => {
      if ([...line].length <= lineColumnsMax) return [];
      const text = `${source.path}:${index + 1}: more than ${lineColumnsMax} columns`;
      return [{ rule: "line-columns", where: source.path, measured: 1, text }];
    }),
  );
}

/** Functions (too long, too many parameters) and interfaces (too many members). */
export function shapeFindings(sources: readonly Source[]): Finding[] {
  return sources.flatMap((source) => {
    const findings: Finding[] = [];
    walk(parse(source), (node, parent) => {
      const found = /Function/.test(node.type)
        ? functionFinding(source, node, parent)
        : node.type === "TSInterfaceDeclaration"
          ? interfaceFinding(source, node)
          : null;
      if (found !== null) findings.push(found);
    });
    return findings;
  });
}

function functionFinding(source: Source, node: Node, parent: Node | null): Finding | null {
  if (!isNode(node.body)) return null;
  const name = nameOf(node) ?? (parent === null ? null : nameOf(parent)) ?? "(anonymous)";
  if (name === "describe" || name === "suite") return null;
  const first = lineOf(source, node.start);
  const measured = lineOf(source, node.end) - first + 1;
  const at = `${source.path}:${first}: ${name}`;
  const where = `${source.path} ${name}`;
  if (measured > functionLinesMax) {
    const text = `${at} has ${measured} lines, at most ${functionLinesMax}`;
    return { rule: "function-shape", where, measured, text };
  }
  const parameters = (node.params as readonly unknown[]).length;
  if (parameters <= parametersMax) return null;
  const text = `${at} has ${parameters} parameters, at most ${parametersMax}: use an object`;
  return { rule: "function-shape", where, measured: parameters, text };
}

/** The name of a function, of what it is assigned to, or of what it is passed to. */
function nameOf(node: Node): string | null {
  for (const field of ["id", "key", "callee"]) {
    const named = node[field];
    if (isNode(named) && typeof named.name === "string") return named.name;
  }
  return null;
}

function interfaceFinding(source: Source, node: Node): Finding | null {
  const members = (node.body as Node).body as readonly unknown[];
  if (members.length <= interfaceMembersMax) return null;
  const where = `${source.path} ${nameOf(node)}`;
  const text = `${where}: ${members.length} members, at most ${interfaceMembersMax}`;
  return { rule: "interface-members", where, measured: members.length, text };
}
