/** Rule: retired words. Comments, strings and documents name the actor and use the field's terms;
 *  the uses that are right are in retired-uses.json. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Finding } from "./finding.ts";
import {
  isNode,
  left,
  lineOf,
  type Node,
  parsed,
  readSource,
  root,
  type Source,
  walk,
} from "./sources.ts";

/** Sources in which the rule does not hold: sentences of a corpus, written to be counted. */
const exempt: readonly string[] = ["scripts/corpus/english.ts"];

const retired: ReadonlyArray<readonly [pattern: RegExp, instead: string]> = [
  [/\b(?:who|whom)ever\b/i, "name the actor: caller, peer, reader, client"],
  [/\b(?:no|some|any|every)body\b/i, "name the actor, or use the passive"],
  [/\b(?:told|tells|telling)\b/i, "report, send, inform"],
  [/\b(?:heard|hears|hearing)\b/i, "receive, arrive"],
  [/\bsaid\b/i, "send, report"],
  [/\bin vain\b/i, "without success, unneeded"],
  [/\bdear\b/i, "expensive"],
  [/\bmend(?:s|ed|ing)?\b/i, "fix"],
  [/\b(?:bury|buries|buried)\b/i, "remove"],
  [/\bbreath\b/i, "turn, synchronously"],
  [/\bthe other side\b/i, "peer, client, server"],
  [/\bseeds? [1-5](?=(?:'s)?(?:[\s.,:;)]|$))(?! \d)/i, "the protocol's name"],
  [/\b(?:know|speak)s? (?:of )?(?:the|its) document\b/i, "basic browser, base protocol"],
];

/** Path → texts around right uses, each a part of the line or string in question. */
const uses: Readonly<Record<string, readonly string[]>> = JSON.parse(
  readFileSync(join(import.meta.dirname, "retired-uses.json"), "utf8"),
);

export function isKept(path: string): boolean {
  return !exempt.includes(path);
}

/** Every retired word in comments and strings of these sources (of Python and AssemblyScript in
 *  comments alone), and in lines of documents. */
export function retiredFindings(sources: readonly Source[]): Finding[] {
  return sources.flatMap((source) =>
    textsOf(source).flatMap(([text, at]) => findingsIn(source, text, at)),
  );
}

/** What the rule reads besides the sources of other rules. */
export function readOtherTexts(): Source[] {
  const folders = "{assembly,bench,docs,examples,python,scripts,sim,src,test}";
  const wanted = ["*.md", `${folders}/**/*.{md,py,pyi}`, "assembly/*.ts"];
  return globSync(wanted, { cwd: root })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => !path.split("/").some((name) => left.has(name)))
    .sort()
    .map(readSource);
}

type Text = readonly [text: string, at: number];

function linesOf({ lines }: Source): Text[] {
  let at = 0;
  return lines.map((line) => {
    at += line.length + 1;
    return [withoutCode(line), at - line.length - 1];
  });
}

function textsOf(source: Source): Text[] {
  if (source.path.endsWith(".md")) return linesOf(source);
  if (/\.pyi?$/.test(source.path)) return matchesIn(source, /"""[\s\S]*?"""|(?:^|\s)#.*/g);
  if (source.path.startsWith("assembly/")) return matchesIn(source, /\/\*\*[\s\S]*?\*\/|\/\/.*/g);
  return nodeTexts(source);
}

function matchesIn({ text }: Source, pattern: RegExp): Text[] {
  return [...text.matchAll(pattern)].map((found) => [joined(found[0]), found.index]);
}

/** Comments as a whole, and literal strings of more than one word. */
function nodeTexts(source: Source): Text[] {
  const { body, comments } = parsed(source);
  const texts: Text[] = comments.map(({ start, value }) => [joined(value), start]);
  walk(body, (node) => {
    const text = stringOf(node);
    if (text !== null) texts.push([text, node.start]);
  });
  return texts;
}

/** A phrase may go over the end of a line. */
function joined(comment: string): string {
  return withoutCode(comment.replace(/\n\s*\*?\s*/g, " "));
}

/** Names of code may be any words. */
function withoutCode(text: string): string {
  return text.replace(/`[^`]*`/g, "``");
}

function stringOf(node: Node): string | null {
  if (node.type === "TemplateElement" && isValue(node.value)) return node.value.raw;
  const isText = node.type === "Literal" || node.type === "JSXText";
  return isText && typeof node.value === "string" && node.value.includes(" ") ? node.value : null;
}

function isValue(value: unknown): value is { readonly raw: string } {
  return typeof value === "object" && value !== null && !isNode(value) && "raw" in value;
}

function findingsIn(source: Source, text: string, at: number): Finding[] {
  const right = (uses[source.path] ?? []).reduce((rest, use) => rest.replaceAll(use, ""), text);
  return retired.flatMap(([pattern, instead]) => {
    const found = pattern.exec(right);
    if (found === null) return [];
    const place = `${source.path}:${lineOf(source, at)}`;
    const around = right.slice(Math.max(0, found.index - 30), found.index + 40).trim();
    const say = `${place}: "${found[0]}" in "…${around}…"; ${instead}`;
    return [{ rule: "retired-words", where: source.path, measured: 1, text: say }];
  });
}
