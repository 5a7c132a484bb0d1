/** `npm run build`: src/ as JavaScript and type declarations in dist/, and of it what task
 *  processes and the command line run, as few files; manual pages, and the schema of config files:
 *  the form that npm users install. */
import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { buildTaskProgram, builtFolder } from "../src/worker/slot/program.ts";
import { buildKernels } from "./build-wasm.ts";
import { bundleCli } from "./cli-bundle.ts";
import { removeHiddenDeclarations } from "./declarations.ts";
import { browserClient } from "./web/browser-client.ts";
import { buildWeb } from "./web/build-web.ts";

const root = dirname(import.meta.dirname);
await buildKernels();
rmSync(join(root, "dist"), { recursive: true, force: true });
const ran = spawnSync(
  process.execPath,
  ["node_modules/typescript/bin/tsc", "-p", "scripts/tsconfig.build.json"],
  { cwd: root, stdio: "inherit" },
);
process.exitCode = ran.status ?? 1;
if (ran.status === 0) {
  await buildTaskProgram(join(root, "dist", builtFolder));
  const cli = join(root, "dist", "cli");
  await bundleCli(join(cli, "main.js"), join(cli, "program"), true);
  removeBundled(cli);
  await buildBrowserClient(join(root, "dist", "client"));
  const entries = [
    "index.d.ts",
    "client/index.d.ts",
    "client/browser/index.d.ts",
    "conformance/index.d.ts",
  ];
  removeHiddenDeclarations(join(root, "dist"), entries);
  await buildWeb();
  const schema = JSON.stringify(JSON.parse(command("config", "--schema")));
  writeFileSync(join(root, "dist", "tequio.config.schema.json"), schema);
  process.stdout.write(command("man", "--out", join(root, "dist", "man")));
}

/** Pages import one module: what the compiler has made of its sources stays out. */
async function buildBrowserClient(folder: string): Promise<void> {
  writeFileSync(join(folder, "browser.js"), await browserClient());
  for (const name of readdirSync(join(folder, "browser"))) {
    if (name.endsWith(".js")) rmSync(join(folder, "browser", name));
  }
}

/** Nothing imports the modules of the command line but its program, which has them in it. */
function removeBundled(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (name !== "program") rmSync(join(folder, name), { recursive: true });
  }
}

/** What a command of this checkout prints. */
function command(...args: readonly string[]): string {
  const program = join(root, "src", "cli", "main.ts");
  return execFileSync(process.execPath, [program, ...args], { cwd: root, encoding: "utf8" });
}
