/** Folders of tiny files: a line of the Zipf text each, about 100 bytes, a thousand in a folder. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { zipfFile } from "../zipf.ts";

const filesOfFolder = 1_000;
/** No line of the text is longer than this on average. */
const lineBytesMax = 200;

/** Folder with `count` files below it; made once. */
export function tinyFiles(count: number): string {
  const cache = join(import.meta.dirname, "../.cache");
  const path = join(cache, `tiny-${count}`);
  if (existsSync(path)) return path;
  const staging = `${path}.${process.pid}.tmp`;
  try {
    const lines = readFileSync(zipfFile(count * lineBytesMax), "utf8").split("\n");
    if (lines.length < count) throw new Error(`the text has ${lines.length} lines only`);
    for (let index = 0; index < count; index++) {
      const folder = join(staging, String(Math.floor(index / filesOfFolder)).padStart(4, "0"));
      if (index % filesOfFolder === 0) mkdirSync(folder, { recursive: true });
      const name = `${String(index).padStart(6, "0")}.txt`;
      writeFileSync(join(folder, name), `${lines[index]}\n`);
    }
    renameSync(staging, path);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
  return path;
}
