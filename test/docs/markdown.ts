/** Reads the parts of Markdown that the docs test needs: links, code, tables. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dirname, "..", "..");

export function readText(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** Link targets inside the repository, without their anchors. */
export function relativeLinks(markdown: string): string[] {
  const targets = [...withoutBlocks(markdown).matchAll(/\]\(([^)\s]+)\)/g)].map(
    (match) => match[1]!,
  );
  return targets
    .filter((target) => !/^([a-z]+:|#)/.test(target))
    .map((target) => target.replace(/#.*$/, ""));
}

/** Contents of the fenced blocks of one language. */
export function blocks(markdown: string, language: string): string[] {
  const fenced = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm");
  return [...markdown.matchAll(fenced)].map((match) => match[1]!);
}

function withoutBlocks(markdown: string): string {
  return markdown.replace(/^```[\s\S]*?^```$/gm, "");
}

/** Command lines: of shell blocks, and of code in the text that begins with `tequio` or `npm`. */
export function commandLines(markdown: string): string[] {
  const inBlocks = blocks(markdown, "sh").flatMap((block) => block.split("\n"));
  const inText = [...withoutBlocks(markdown).matchAll(/`([^`\n]+)`/g)].map((match) => match[1]!);
  return [...inBlocks, ...inText]
    .map((line) => line.replace(/^\$ |\s+#.*$/g, "").replace(/^node bin\/tequio\.js/, "tequio"))
    .filter((line) => /^(tequio|npm) /.test(line));
}

/** First cells of a table's rows, without emphasis or code marks. */
export function firstCells(markdown: string): string[] {
  const rows = markdown.split("\n").filter((line) => /^\| (\*\*|`)/.test(line));
  return rows.map((row) => row.split("|")[1]!.replace(/[*`]/g, "").trim());
}
