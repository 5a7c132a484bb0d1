/** Writes the example of docs/conformance.md as files, to run it as its readers would. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { blocks, readText } from "../test/docs/markdown.ts";

/** The names of the files that were written; each block begins with a comment that names its. */
export function writeExample(folder: string): string[] {
  return blocks(readText("docs/conformance.md"), "ts").map((block) => {
    const [, name] = /^\/\/ (\S+)\n/.exec(block) ?? [];
    if (name === undefined) throw new Error(`no file name in a block:\n${block}`);
    writeFileSync(join(folder, name), block);
    return name;
  });
}
