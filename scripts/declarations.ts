/** Type declarations that users can see, among all that the compiler has made. */
import { globSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const ending = ".d.ts";

/** Removes the declarations below `folder` that those of no entry name, directly or by others: nine
 *  tenths of them. */
export function removeHiddenDeclarations(folder: string, entries: readonly string[]): void {
  const seen = new Set<string>();
  const reach = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const [, path = ""] of readFileSync(file, "utf8").matchAll(/["'](\.{1,2}\/[^"']+)["']/g)) {
      reach(resolve(dirname(file), path.replace(/\.[jt]s$/, ending)));
    }
  };
  for (const entry of entries) reach(join(folder, entry));
  for (const path of globSync(`**/*${ending}`, { cwd: folder })) {
    const file = join(folder, path);
    if (!seen.has(file)) rmSync(file);
  }
}
