/** Runs a script of this repository by `node scripts/with-node24.js <script.ts> [args…]`, on any
 *  machine with npm and some Node (16 or newer). Installs what is locked first, when it is
 *  missing. */
import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import {
  InstallError,
  installDependencies,
  installNode24,
  withNodeFirst,
} from "./node24/install.js";
import { runUnder } from "./node24/run.js";

async function main(argv) {
  const [script, ...args] = argv;
  if (script === undefined || !fs.existsSync(script)) {
    const problem = script === undefined ? "no script given" : `no such script: ${script}`;
    process.stderr.write(`${problem}\nusage: node scripts/with-node24.js <script.ts> [args…]\n`);
    process.exit(2);
  }
  const node = installNode24();
  installDependencies(node);
  if (node !== process.execPath) return runUnder(node, [script, ...args]);
  Object.assign(process.env, withNodeFirst(node));
  process.argv.splice(1, 2, path.resolve(script));
  await import(pathToFileURL(path.resolve(script)).href);
}

main(process.argv.slice(2)).catch((error) => {
  process.stderr.write(`${error instanceof InstallError ? error.message : error.stack}\n`);
  process.exit(1);
});
