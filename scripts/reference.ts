/** Makes docs/reference.md of the types that job authors see and of what SQL knows; a test compares
 *  them. Run it after a change: `node scripts/reference.ts`. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { sqlAggregates } from "../src/sdk/sql/aggregates.ts";
import { sqlFunctions, sqlOperators, sqlTypes } from "../src/sdk/sql/expressions.ts";

const root = join(import.meta.dirname, "..");
export const referencePath = join(root, "docs", "reference.md");

type Member = { readonly name: string; readonly type: string; readonly text: string };

export function referenceText(): string {
  const job = "src/sdk/job.ts";
  const operators = "src/sdk/operators";
  return [
    "# Reference",
    "",
    "Every option and method, made of the types by `node scripts/reference.ts`. Explained by",
    "[operators](operators.md), [environment](environment.md), [volunteers](trust.md) and",
    "[Python](python.md), where options have the same names with underscores.",
    "",
    ...section("mapReduce(options)", optionsIn(job, "MapReduceOptions")),
    ...section("mapReduce(options) of several inputs", [
      ...optionsIn(job, "JoinOptions"),
      { name: "…", type: "", text: "All others of `mapReduce` but `input` and `map`." },
    ]),
    ...section("What map and reduce get as context", [
      ...optionsIn(job, "MapContext").map((one) => ({ ...one, name: `map: ${one.name}` })),
      ...optionsIn(job, "ReduceContext").map((one) => ({ ...one, name: `reduce: ${one.name}` })),
      ...optionsIn(job, "TaskContext").map((one) => ({ ...one, name: `run: ${one.name}` })),
    ]),
    ...section("tasks(options)", optionsIn(job, "TasksOptions")),
    ...section("Formats and sources", formats()),
    ...section("Options of csv() and text.csv()", [
      ...optionsIn("src/sdk/format.ts", "CsvOptions"),
      ...optionsIn("src/sdk/format.ts", "TextOptions"),
    ]),
    ...section("Methods of sources", methodsIn(`${operators}/source.ts`, "Operators")),
    ...section("Methods of groups: by(…)", methodsIn(`${operators}/source.ts`, "Groups")),
    ...section("Methods of pairs", methodsIn(`${operators}/source.ts`, "Pairs")),
    ...section("Methods of bytes.records(…)", methodsIn(`${operators}/sort.ts`, "RecordOperators")),
    ...section("Options of operators", optionsIn(`${operators}/options.ts`, "OperatorOptions")),
    ...section("Options of sort, topK and distinct of sources", [
      ...optionsIn(`${operators}/sort.ts`, "SortOptions"),
    ]),
    ...section("Options of join", optionsIn(`${operators}/join.ts`, "JoinSettings")),
    ...section("Methods of tables", methodsIn(`${operators}/query/table.ts`, "Table")),
    ...section(
      "Methods of groups of tables",
      methodsIn(`${operators}/query/table.ts`, "TableGroups"),
    ),
    ...section("What tables are sorted by", optionsIn(`${operators}/query/table.ts`, "SortBy")),
    ...section("Methods of cells", methodsIn(`${operators}/query/cell.ts`, "Cell")),
    ...section("Aggregates", functionsIn(`${operators}/query/aggregates.ts`)),
    "## SQL",
    "",
    "`SELECT [DISTINCT] … FROM 'files' [WHERE …] [GROUP BY …] [HAVING …]",
    "[ORDER BY … [ASC | DESC] [NULLS FIRST | NULLS LAST]] [LIMIT n] [OFFSET n]`,",
    "with `CASE`, `CAST`, `IN`, `BETWEEN`, `IS NULL`, `NOT` and `FILTER (WHERE …)`.",
    "",
    `- **Operators**: ${listed(sqlOperators)}.`,
    `- **Functions**: ${listed(sqlFunctions)}.`,
    `- **Aggregates**: ${listed(sqlAggregates)}.`,
    `- **Types of CAST**: ${listed(sqlTypes)}.`,
    "",
  ].join("\n");
}

function listed(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(" ");
}

function section(title: string, members: readonly Member[]): string[] {
  if (members.length === 0) throw new Error(`nothing is found for ${title}`);
  const rows = members.map(({ name, text, type }) => {
    const shown = type === "" ? "" : ` \`${cell(type)}\``;
    return `| \`${cell(name)}\`${shown} | ${cell(text)} |`;
  });
  return [`## ${title}`, "", "| | |", "| --- | --- |", ...rows, ""];
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replace(/\s+/g, " ").trim();
}

function sourceOf(path: string): ts.SourceFile {
  return ts.createSourceFile(
    path,
    readFileSync(join(root, path), "utf8"),
    ts.ScriptTarget.ESNext,
    true,
  );
}

/** Members of all objects in a type, in the order in which they are written. */
function optionsIn(path: string, name: string): Member[] {
  const members: Member[] = [];
  // An option whose type flows into the result says what it may be.
  let flowing = new Map<string, ts.TypeNode | undefined>();
  const visit = (node: ts.Node): void => {
    if (!ts.isPropertySignature(node)) return ts.forEachChild(node, visit);
    members.push({
      name: `${node.name.getText()}${node.questionToken === undefined ? "" : "?"}`,
      type: typeText(flowing.get(node.type?.getText() ?? "") ?? node.type),
      text: commentOf(node),
    });
  };
  for (const statement of sourceOf(path).statements) {
    if (ts.isTypeAliasDeclaration(statement) && statement.name.text === name) {
      const parameters = statement.typeParameters?.filter((one) => one.default !== undefined);
      flowing = new Map(parameters?.map((one) => [one.name.text, one.constraint]));
      visit(statement.type);
    }
  }
  return members;
}

/** Without what is erased: `Format<In>`, functions by their parameters. */
function typeText(type: ts.TypeNode | undefined): string {
  const text = (type?.getText() ?? "").replace(/\/\*[\s\S]*?\*\//g, "").replace(/\s+/g, " ");
  return text
    .replace(/readonly /g, "")
    .replace(/, \)/g, ")")
    .replace(/\( /g, "(");
}

function methodsIn(path: string, name: string): Member[] {
  const members: Member[] = [];
  for (const statement of sourceOf(path).statements) {
    if (!ts.isClassDeclaration(statement) || statement.name?.text !== name) continue;
    for (const member of statement.members) {
      if (!ts.isMethodDeclaration(member) && !ts.isGetAccessor(member)) continue;
      const isOwn = ts.isPrivateIdentifier(member.name);
      const isStatic = member.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword);
      if (isOwn || isStatic === true) continue;
      members.push(callable(member.name.getText(), member, ts.isGetAccessor(member)));
    }
  }
  return members;
}

function functionsIn(path: string): Member[] {
  return sourceOf(path).statements.flatMap((statement) => {
    if (!ts.isFunctionDeclaration(statement) || statement.name === undefined) return [];
    const isPublic = statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
    // Of overloads each has a line, and what implements them none.
    const isHidden = statement.name.text === "count" && statement.body !== undefined;
    return isPublic === true && !isHidden ? [callable(statement.name.text, statement, false)] : [];
  });
}

function callable(name: string, node: ts.SignatureDeclaration, isGetter: boolean): Member {
  const parameters = node.parameters.map((parameter) => {
    const shown = ts.isIdentifier(parameter.name) ? parameter.name.text : "options";
    const isOptional = parameter.questionToken !== undefined || parameter.initializer !== undefined;
    return `${parameter.dotDotDotToken === undefined ? "" : "…"}${shown}${isOptional ? "?" : ""}`;
  });
  const shown = isGetter ? name : `${name}(${parameters.join(", ")})`;
  return { name: shown, type: "", text: commentOf(node) };
}

/** `text.…`, `bytes.…`, and the functions of formats. */
function formats(): Member[] {
  const file = sourceOf("src/sdk/format.ts");
  const members: Member[] = [];
  const named = new Map<string, ts.FunctionDeclaration[]>();
  for (const statement of file.statements) {
    if (!ts.isFunctionDeclaration(statement) || statement.name === undefined) continue;
    const { text } = statement.name;
    named.set(text, [...(named.get(text) ?? []), statement]);
  }
  for (const statement of file.statements) {
    if (!ts.isVariableStatement(statement)) continue;
    for (const { initializer, name } of statement.declarationList.declarations) {
      const space = name.getText();
      if ((space !== "text" && space !== "bytes") || initializer === undefined) continue;
      if (!ts.isObjectLiteralExpression(initializer)) continue;
      for (const member of initializer.properties) {
        const full = `${space}.${member.name?.getText()}`;
        if (ts.isMethodDeclaration(member)) members.push(callable(full, member, false));
        else {
          const target = ts.isPropertyAssignment(member) ? member.initializer : member.name;
          const all = named.get(target?.getText() ?? "") ?? [];
          const shown = all.length === 1 ? all : all.filter(({ body }) => body === undefined);
          members.push(...shown.map((one) => callable(full, one, false)));
        }
      }
    }
  }
  for (const name of ["csv", "ndjson"]) {
    members.push(...(named.get(name) ?? []).map((one) => callable(name, one, false)));
  }
  return members;
}

function commentOf(node: ts.Node): string {
  const [doc] = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  return ts.getTextOfJSDocComment(doc?.comment) ?? "";
}

if (import.meta.main) writeFileSync(referencePath, referenceText());
