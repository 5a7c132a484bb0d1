/** Rules: names that say nothing, first sentences, and things that do not belong into a
 *  repository. */
import { posix } from "node:path";
import type { Finding } from "./finding.ts";
import { isNode, type Node, parse, type Source, walk } from "./sources.ts";

const bannedWords = new Set(
  "helper helpers util utils common misc processor processors impl base".split(" "),
);

export function fileNameFindings(sources: readonly Source[]): Finding[] {
  return sources.flatMap(({ path }) =>
    path
      .split(/[/.-]/)
      .filter((word) => bannedWords.has(word.toLowerCase()))
      .map((word) => finding("names", path, `${path}: "${word}" is not specific`)),
  );
}

export function exportedNameFindings(sources: readonly Source[]): Finding[] {
  return sources.flatMap((source) =>
    exportedNames(parse(source)).flatMap((name) =>
      wordsOf(name)
        .filter((word) => bannedWords.has(word))
        .map((word) => finding("names", source.path, `${source.path}: ${name} says "${word}"`)),
    ),
  );
}

/** `readBlobUtil` → read, blob, util. */
export function wordsOf(name: string): string[] {
  return (name.match(/[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])/g) ?? []).map((word) => word.toLowerCase());
}

function exportedNames(nodes: readonly Node[]): string[] {
  const names: string[] = [];
  const add = (node: unknown) => {
    if (isNode(node) && typeof node.name === "string") names.push(node.name);
  };
  walk(nodes, (node) => {
    if (node.type !== "ExportNamedDeclaration") return;
    for (const specifier of node.specifiers as readonly Node[]) add(specifier.exported);
    const declaration = node.declaration;
    if (!isNode(declaration)) return;
    add(declaration.id);
    for (const one of (declaration.declarations ?? []) as readonly Node[]) add(one.id);
  });
  return names;
}

export function firstLineFindings(sources: readonly Source[]): Finding[] {
  return sources.flatMap(({ path, lines }) => {
    const first = lines[0]?.startsWith("#!") ? lines[1] : lines[0];
    if (first?.startsWith("/** ")) return [];
    return [finding("first-line", path, `${path}: begin with a sentence that says what it is`)];
  });
}

/** Written in pieces, so that this file does not find itself. */
const unwanted: ReadonlyArray<readonly [rule: string, pattern: RegExp, why: string]> = [
  ["machine-paths", /["'`(\s]\/(?:home|root|work|Users|tmp)\/\w/, "a path of one machine"],
  ["unfinished", new RegExp(`\\b(?:TO${"DO"}|FIX${"ME"}|XX${"X"})\\b`), "belongs into an issue"],
  ["skips", new RegExp(`\\.sk${"ip"}\\(\\s*\\)|\\bsk${"ip"}: true\\b`), "skips without a reason"],
  [
    "skips",
    new RegExp(`\\b(?:test|it|describe)\\.(?:sk${"ip"}|on${"ly"})\\(`),
    "skips tests silently",
  ],
  [
    "spread-arguments",
    /\.(?:push|unshift)\((?:[^(){}]*, )?\.\.\.|\bMath\.(?:max|min)\((?:[^()]*, )?\.\.\./,
    "every element takes room on the stack, which overflows at some 120,000; use a loop",
  ],
  [
    "temporary-folders",
    new RegExp(`mkd${"temp"}(?:Sync)?\\(join\\(tmpdir`),
    "use src/store/testing/at-end.ts",
  ],
  ["seeds", new RegExp(`from "fast${"-"}check"`), "use test/fixtures/fast-check.ts"],
  [
    "short-waits",
    /(?:\b(?:connect|answer|limit)Ms(?::| =)|\.now\(\) \+) (?:[3-9]_?\d{3}|[1-9]\d{1,2}_\d{3})\b/,
    "a busy machine takes longer; what only ends a hang has waitMaxMs",
  ],
];

/** Which sources a rule reads; default: all. */
const readBy: Readonly<Record<string, (source: Source) => boolean>> = {
  skips: ({ isTest }) => isTest,
  "spread-arguments": ({ isTest, path }) => !isTest && path.startsWith("src/"),
  // The core's time is that of its events.
  "short-waits": ({ isTest, path }) => isTest && !path.startsWith("src/core/"),
  seeds: ({ path }) => path !== "test/fixtures/fast-check.ts",
  "temporary-folders": ({ isTest, path }) => isTest || /^(?:bench|scripts)\//.test(path),
};

export function unwantedFindings(sources: readonly Source[], wanted: string): Finding[] {
  const read = sources.filter(readBy[wanted] ?? (() => true));
  return read.flatMap(({ path, lines }) =>
    lines.flatMap((line, index) =>
      unwanted
        .filter(([rule, pattern]) => rule === wanted && pattern.test(line))
        .map(([rule, , why]) => finding(rule, path, `${path}:${index + 1}: ${why}`)),
    ),
  );
}

/** Source folders have one name for one thing: no folder repeats its parent's name. */
export function folderNameFindings(sources: readonly Source[]): Finding[] {
  const folders = new Set(sources.map(({ path }) => posix.dirname(path)));
  return [...folders].flatMap((folder) => {
    const parts = folder.split("/");
    const repeats = parts.some((part, index) => index > 0 && part === parts[index - 1]);
    return repeats ? [finding("names", folder, `${folder}: repeats its parent's name`)] : [];
  });
}

function finding(rule: string, where: string, text: string): Finding {
  return { rule, where, measured: 1, text };
}
