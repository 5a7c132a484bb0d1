/** What is offered, as lines: a table, or folders within each other. */
import type { SharedFile } from "../../core/catalogue.ts";
import { bytesText } from "../numbers.ts";
import { oneLine, table } from "../text.ts";

export function tableLines(files: readonly SharedFile[]): string[] {
  return table(
    ["NAME", "SIZE", "ROOT", "DESCRIPTION"],
    files.map(({ name, sizeBytes, root, description }) => [
      oneLine(name),
      sizeBytes === null ? "?" : bytesText(sizeBytes),
      root === null ? "unknown" : root.slice(0, 12),
      oneLine(description),
    ]),
    [1],
  );
}

type Folder = { readonly folders: Map<string, Folder>; readonly files: SharedFile[] };

/** As the command `tree` draws them. */
export function treeLines(files: readonly SharedFile[]): string[] {
  const root: Folder = { folders: new Map(), files: [] };
  for (const file of files) {
    let folder = root;
    for (const part of file.name.split("/").slice(0, -1)) {
      const next = folder.folders.get(part) ?? { folders: new Map(), files: [] };
      folder.folders.set(part, next);
      folder = next;
    }
    // An empty folder is listed as a file whose name ends with a slash.
    if (!file.name.endsWith("/")) folder.files.push(file);
  }
  return folderLines(root, "");
}

function folderLines(folder: Folder, indent: string): string[] {
  const entries = [
    ...[...folder.folders].map(([name, inside]) => ({ text: `${oneLine(name)}/`, inside })),
    ...folder.files.map((file) => ({ text: fileText(file), inside: null })),
  ];
  return entries.flatMap(({ text, inside }, index) => {
    const isLast = index === entries.length - 1;
    const line = `${indent}${isLast ? "└─ " : "├─ "}${text}`;
    if (inside === null) return [line];
    return [line, ...folderLines(inside, `${indent}${isLast ? "   " : "│  "}`)];
  });
}

function fileText({ name, sizeBytes }: SharedFile): string {
  const last = oneLine(name.slice(name.lastIndexOf("/") + 1));
  return sizeBytes === null ? last : `${last} (${bytesText(sizeBytes)})`;
}

/** Files whose name or description has the text in it, or whose name is what the pattern means: `*`
 *  within a folder, `**` across, `?` one letter. Capitals do not matter. */
export function matcherOf(pattern: string): (file: SharedFile) => boolean {
  if (!/[*?]/.test(pattern)) {
    const wanted = pattern.toLowerCase();
    return ({ name, description }) =>
      name.toLowerCase().includes(wanted) || description.toLowerCase().includes(wanted);
  }
  const source = pattern
    .split(/(\*\*\/?|\*|\?)/)
    .map((part) => {
      if (part.startsWith("**")) return ".*";
      if (part === "*") return "[^/]*";
      return part === "?" ? "[^/]" : part.replace(/[\\^$.|+()[\]{}]/g, "\\$&");
    })
    .join("");
  const whole = new RegExp(`^(?:.*/)?${source}$`, "iu");
  return ({ name }) => whole.test(name);
}
