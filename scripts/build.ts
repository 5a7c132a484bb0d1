/** `npm run build`: src/ as JavaScript and type declarations in dist/, and of it what task
 *  processes and the command line run, as few files: the form that npm users install. */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { buildTaskProgram, builtFolder } from "../src/worker/slot/program.ts";
import { buildKernels } from "./build-wasm.ts";
import { bundleCli } from "./cli-bundle.ts";
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
  await bundleCli(join(root, "dist", "cli", "main.js"), join(root, "dist", "cli", "program"));
  await buildWeb();
}
