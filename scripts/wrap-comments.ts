/** Breaks comment lines of more than 100 columns, which the formatter leaves alone:
 *  `node scripts/wrap-comments.ts [files…]`, all sources when none is named. */
import { readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { readSources, root } from "../test/tidy/sources.ts";

const columnsMax = 100;

/** The line, or the lines that it becomes. Code with a comment behind it stays as it is. */
export function wrapped(line: string): string[] {
  const found = /^(\s*)(\/\*\* |\* {1,4}(?:\d\. )?|\/\/ )(.*)$/.exec(line);
  if (found === null || [...line].length <= columnsMax) return [line];
  const [, indent = "", mark = ""] = found;
  const at = line.lastIndexOf(" ", columnsMax);
  if (at <= indent.length + mark.length) return [line];
  return [line.slice(0, at), ...wrapped(`${indent}${nextMark(mark)}${line.slice(at + 1)}`)];
}

function nextMark(mark: string): string {
  if (mark === "// ") return mark;
  if (mark === "/** ") return " *  ";
  return mark.replace(/\d\. /, "   ");
}

if (import.meta.main) {
  const named = process.argv.slice(2).map((file) => relative(root, file));
  for (const { path } of readSources()) {
    if (named.length > 0 && !named.includes(path)) continue;
    const before = readFileSync(join(root, path), "utf8");
    const after = before.split("\n").flatMap(wrapped).join("\n");
    if (after === before) continue;
    writeFileSync(join(root, path), after);
    process.stdout.write(`${path}\n`);
  }
}
