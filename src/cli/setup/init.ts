/** `tequio init [folder]`: writes a job, a test of it and what an editor needs to know its
 *  types. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import type { Command } from "commander";
import { checkoutFolder, packageVersion } from "../../client/package-version.ts";
import { ClusterError } from "../../core/error.ts";
import { withExamples, withJson } from "../options.ts";
import { initialFiles } from "./initial-files.ts";

export function define(command: Command): void {
  command.argument("[folder]", "folder of the new job; is made when it does not exist", ".");
  withExamples(withJson(command), [
    ["tequio init", "write job.ts, job.test.ts and what they need into this folder"],
    ["tequio init words", "the same into a new folder"],
  ]).action((folder: string, options: { readonly json?: boolean }) => {
    const written = writeFiles(resolve(folder));
    if (options.json) return console.log(JSON.stringify({ folder: resolve(folder), written }));
    for (const file of written) console.log(`${join(relative(".", folder), file)} is written`);
    const before = relative(".", folder) === "" ? "" : `cd ${relative(".", folder)} && `;
    console.log(`next: ${before}npm install && npm test`);
    console.log(`then: ${before}npx tequio run --local job.ts sample.txt -o -`);
  });
}

/** All or none. Throws `conflict` when one of them is there: it may be the user's own. */
function writeFiles(folder: string): readonly string[] {
  const files = Object.entries(initialFiles(packageVersion(), checkoutFolder()));
  mkdirSync(folder, { recursive: true });
  const begun: Array<readonly [path: string, text: string]> = [];
  for (const [name, text] of files) {
    const path = join(folder, name);
    try {
      // Made empty first: what is there already is never written into.
      writeFileSync(path, "", { flag: "wx" });
    } catch (cause) {
      for (const [other] of begun) rmSync(other);
      throw unwritable(path, cause as NodeJS.ErrnoException);
    }
    begun.push([path, text]);
  }
  for (const [path, text] of begun) writeFileSync(path, text);
  return files.map(([name]) => name);
}

function unwritable(path: string, cause: NodeJS.ErrnoException): ClusterError {
  if (cause.code === "EEXIST") {
    const text = `${path} exists; nothing was written: choose another folder, or remove it`;
    return new ClusterError("conflict", text, { cause });
  }
  return new ClusterError("bad-request", `cannot write ${path} (${cause.code})`, { cause });
}
