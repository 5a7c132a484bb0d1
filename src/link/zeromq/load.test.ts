/** Without the package, the failure says how to get it. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

/** As if it were not installed. */
const hidden = `import { registerHooks } from "node:module";
registerHooks({
  resolve(specifier, context, next) {
    if (specifier !== "zeromq") return next(specifier, context);
    throw Object.assign(new Error("not there"), { code: "ERR_MODULE_NOT_FOUND" });
  },
});
const { loadZeromq } = await import(process.argv[1]);
await loadZeromq().catch(({ code, text }) => console.log(JSON.stringify({ code, text })));`;

test("without the package zeromq, the error says how to install it", async () => {
  const load = join(import.meta.dirname, "load.ts");
  const args = ["--input-type=module", "--eval", hidden, load];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 });
  assert.deepEqual(JSON.parse(stdout), {
    code: "unavailable",
    text:
      "the filesystem protocol needs the package zeromq, which is not installed; " +
      "install it with: npm install zeromq@6",
  });
});
