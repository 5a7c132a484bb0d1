/** Optional packages as if they were not installed, in a process of its own. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** A busy machine takes long to start it, ms. */
const endsWithinMs = 300_000;

const hidden = `import { registerHooks } from "node:module";
const [file, name, load] = process.argv.slice(1);
registerHooks({
  resolve(specifier, context, next) {
    if (specifier !== name) return next(specifier, context);
    throw Object.assign(new Error("not there"), { code: "ERR_MODULE_NOT_FOUND" });
  },
});
const module = await import(file);
await module[load]().catch(({ code, text }) => console.log(JSON.stringify({ code, text })));`;

/** The error of a module's function `load` without the package of this name. */
export async function errorWithout(
  name: string,
  { file, load }: { readonly file: string; readonly load: string },
): Promise<{ readonly code: string; readonly text: string }> {
  const args = ["--input-type=module", "--eval", hidden, file, name, load];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: endsWithinMs });
  return JSON.parse(stdout);
}
