/** Joins and wraps the paragraphs of comments at 100 columns, which the formatter leaves alone:
 *  `node scripts/reflow.ts [files or folders…]`, all sources when none is named. Lists, tables,
 *  code blocks, indented lines and directives keep their shape; comments behind code stay as they
 *  are. */
import { writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseSync } from "rolldown/experimental";
import { readSources, root } from "../test/tidy/sources.ts";

const columnsMax = 100;

/** A comment, or a run of `//` lines, that has its lines for itself. Offsets are UTF-16 units. */
export type CommentBlock = {
  readonly start: number;
  readonly end: number;
  readonly indent: string;
  readonly isDoc: boolean;
  /** Without comment marks and the indentation that goes with them. */
  readonly lines: readonly string[];
};

/** The comments that can be reflowed, in order. A file that does not parse has none. */
export function commentBlocks(path: string, text: string): CommentBlock[] {
  const parsed = parseSync(path, text);
  if (parsed.errors.length > 0) return [];
  const blocks: CommentBlock[] = [];
  for (const { type, value, start, end } of parsed.comments) {
    const lineStart = text.lastIndexOf("\n", start - 1) + 1;
    const indent = text.slice(lineStart, start);
    if (indent.trim() !== "" || !/^[ \t]*(\n|$)/.test(text.slice(end))) continue;
    if (type === "Block" && !value.startsWith("*")) continue;
    const before = blocks.at(-1);
    const content = type === "Block" ? docLines(value.slice(1)) : [value.replace(/^ /, "")];
    const follows =
      type === "Line" &&
      before !== undefined &&
      !before.isDoc &&
      before.indent === indent &&
      text.slice(before.end, start) === `\n${indent}`;
    if (follows) {
      blocks.splice(-1, 1, { ...before, end, lines: [...before.lines, ...content] });
    } else blocks.push({ start, end, indent, isDoc: type === "Block", lines: content });
  }
  return blocks;
}

function docLines(value: string): string[] {
  const lines = value.split("\n").map((line, index) => {
    const content = index === 0 ? line.trimStart() : line.replace(/^\s*\* {0,2}/, "");
    return content.trimEnd();
  });
  if (lines.length > 1 && lines.at(-1)?.trim() === "") lines.pop();
  while (lines[0] === "" && lines.length > 1) lines.shift();
  return lines;
}

/** The comment's text as it stands in the file; `lines` may have any length. */
export function formatBlock({ indent, isDoc, lines }: Omit<CommentBlock, "start" | "end">): string {
  const prefix = isDoc ? `${indent} *  ` : `${indent}// `;
  const first = isDoc ? `${indent}/** ` : prefix;
  const room = columnsMax - [...prefix].length;
  const flowed = paragraphs(lines).flatMap((part) => wrapped(part, room));
  if (isDoc) makeRoomForEnd(flowed, room);
  const written = flowed.map((line, at) => `${at === 0 ? first : prefix}${line}`.trimEnd());
  return `${written.join("\n")}${isDoc ? " */" : ""}`.slice(indent.length);
}

/** The end of a doc comment stays on the last line of text, if need be with its last word. */
function makeRoomForEnd(lines: string[], room: number): void {
  const last = lines.at(-1) ?? "";
  // The mark of a comment of one line is as wide as that of its other lines.
  if ([...last].length + 3 <= room) return;
  const at = last.trimEnd().lastIndexOf(" ");
  const hanging = /^\s*(?:(?:[-*]|\d+[.)])\s+)?/.exec(last)?.[0].length ?? 0;
  if (at <= hanging) return;
  lines.splice(-1, 1, last.slice(0, at), `${" ".repeat(hanging)}${last.slice(at + 1)}`);
}

type Paragraph = { readonly text: string; readonly hanging: number; readonly isVerbatim: boolean };

const listMark = /^(\s*)((?:[-*]|\d+[.)])\s+)/;
/** A line of a state diagram, `open → full: why`, has a line of its own. */
const transition = /^\S+ → [^:]+:/;
const directive = /^(?:biome-|@ts-|@jsx|@type|\/|<reference|#|v8 |c8 )/;

function paragraphs(lines: readonly string[]): Paragraph[] {
  const found: Paragraph[] = [];
  let isFenced = false;
  for (const line of lines) {
    const isFence = line.trimStart().startsWith("```");
    if (isFenced || isFence || isShaped(line)) {
      found.push({ text: line, hanging: 0, isVerbatim: true });
      if (isFence) isFenced = !isFenced;
      continue;
    }
    const mark = listMark.exec(line);
    const before = found.at(-1);
    const indent = line.length - line.trimStart().length;
    const begins = mark !== null || transition.test(line);
    const joins = !begins && before?.isVerbatim === false && indent === before.hanging;
    if (joins) found.splice(-1, 1, { ...before, text: `${before.text} ${line.trim()}` });
    else if (mark !== null) found.push({ text: line, hanging: mark[0].length, isVerbatim: false });
    else found.push({ text: line, hanging: indent, isVerbatim: indent > 0 });
  }
  return found;
}

/** Whether the line's own form says something: blank lines, tables, columns, directives. */
function isShaped(line: string): boolean {
  const text = line.trim();
  return text === "" || text.startsWith("|") || /\S {3,}\S/.test(text) || directive.test(text);
}

function wrapped({ text, hanging, isVerbatim }: Paragraph, room: number): string[] {
  if (isVerbatim) return [text];
  const lines: string[] = [];
  let rest = text;
  while ([...rest].length > room) {
    const at = rest.lastIndexOf(" ", room);
    const breakAt = at > hanging ? at : rest.indexOf(" ", room);
    if (breakAt < 0) break;
    lines.push(rest.slice(0, breakAt).trimEnd());
    rest = `${" ".repeat(hanging)}${rest.slice(breakAt + 1)}`;
  }
  return [...lines, rest];
}

export function reflowed(path: string, text: string): string {
  let result = text;
  for (const block of commentBlocks(path, text).toReversed()) {
    result = `${result.slice(0, block.start)}${formatBlock(block)}${result.slice(block.end)}`;
  }
  return result;
}

if (import.meta.main) {
  const named = process.argv.slice(2).map((file) => relative(root, file));
  for (const { path, text } of readSources()) {
    const isNamed = named.some((name) => path === name || path.startsWith(`${name}/`));
    if (named.length > 0 && !isNamed) continue;
    const after = reflowed(path, text);
    if (after === text) continue;
    writeFileSync(join(root, path), after);
    process.stdout.write(`${path}\n`);
  }
}
