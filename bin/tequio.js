#!/usr/bin/env node
/** The command line's entry: plain JavaScript, so that an old Node gets a sentence, not a syntax
 *  error. */
import fs from "node:fs";
import module from "node:module";
import path from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = path.dirname(path.dirname(fs.realpathSync(fileURLToPath(import.meta.url))));
const source = path.join(root, "src", "cli", "main.ts");
const built = path.join(root, "dist", "cli", "program", "main.mjs");
const isCheckout = fs.existsSync(source);

function stop(text) {
  process.stderr.write(`${text}\n`);
  process.exit(1);
}

/** Goes on under the Node 24 that `npm test` or `npm run demo` has put into this checkout. */
async function goOnUnderNode24() {
  const load = (file) => import(pathToFileURL(path.join(root, "scripts", "node24", file)).href);
  const node = isCheckout ? (await load("install.js")).findNode24() : null;
  if (node !== null) return (await load("run.js")).runUnder(node, process.argv.slice(1));
  stop(
    `tequio needs Node 24 or newer; this is ${process.version}. Install it from nodejs.org or ` +
      "run `npx -p node@24 -p tequio tequio …`",
  );
}

/** The command line as one program. The sources of a checkout that cannot be bundled say better
 *  themselves what is wrong with them. */
async function program() {
  if (!isCheckout) return built;
  try {
    const bundler = path.join(root, "scripts", "cli-bundle.ts");
    return await (await import(pathToFileURL(bundler).href)).checkoutBundle();
  } catch {
    return source;
  }
}

async function main() {
  if (Number(process.versions.node.split(".")[0]) < 24) return goOnUnderNode24();
  if (isCheckout && !fs.existsSync(path.join(root, "node_modules"))) {
    stop("the dependencies are not installed. Run `npm ci` in the checkout and try again.");
  }
  module.enableCompileCache?.();
  await import(pathToFileURL(await program()).href);
}

await main();
