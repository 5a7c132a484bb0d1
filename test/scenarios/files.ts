/** The stories as files: one `.txt` each. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export type StoryFile = { readonly name: string; readonly path: string; readonly text: string };

export function storyFiles(): StoryFile[] {
  return readdirSync(import.meta.dirname)
    .filter((file) => file.endsWith(".txt"))
    .sort()
    .map((file) => {
      const path = join(import.meta.dirname, file);
      return { name: file.replace(/\.txt$/, ""), path, text: readFileSync(path, "utf8") };
    });
}
