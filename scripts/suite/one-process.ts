/** Several files of tests in one process: `node one-process.ts <file> …`. Starting a process and
 *  loading the same modules takes longer than the tests of most files. */
import { resolve } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

for (const file of process.argv.slice(2)) {
  try {
    await import(pathToFileURL(resolve(file)).href);
  } catch (error) {
    // The other files are run, too.
    test(file, () => {
      throw error;
    });
  }
}
