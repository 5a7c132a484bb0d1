/** The code of a worker with changed lines, as that of a liar: a copy of the sources in a folder of
 *  the test. */
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { startWorker } from "../../src/worker/node.ts";

const root = join(import.meta.dirname, "../..");

export type Change = { readonly file: string; readonly from: string; readonly to: string };

/** `startWorker` of the changed copy below `folder`. Throws when a line is not there to change. */
export async function changedWorker(
  folder: string,
  changes: readonly Change[],
): Promise<typeof startWorker> {
  mkdirSync(join(folder, "node_modules"), { recursive: true });
  cpSync(join(root, "src"), join(folder, "src"), { recursive: true });
  for (const name of ["package.json", "tsconfig.json"]) {
    cpSync(join(root, name), join(folder, name));
  }
  // Not the folder itself: what is built of the changed sources must not lie beside the others.
  for (const name of readdirSync(join(root, "node_modules"))) {
    if (name === ".cache") continue;
    symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
  }
  for (const { file, from, to } of changes) {
    const path = join(folder, "src", file);
    const text = readFileSync(path, "utf8");
    if (text.split(from).length !== 2) throw new Error(`${file} has not one: ${from}`);
    writeFileSync(
      path,
      text.replace(from, () => to),
    );
  }
  const module = await import(join(folder, "src/worker/node.ts"));
  return module.startWorker;
}
