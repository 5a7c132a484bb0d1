/** Without the packages, the failure says how to get them. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

/** As if one of them were not installed. */
const hidden = `import { registerHooks } from "node:module";
registerHooks({
  resolve(specifier, context, next) {
    if (specifier !== "@libp2p/mplex") return next(specifier, context);
    throw Object.assign(new Error("not there"), { code: "ERR_MODULE_NOT_FOUND" });
  },
});
const { loadLibp2p } = await import(process.argv[1]);
await loadLibp2p().catch(({ code, text }) => console.log(JSON.stringify({ code, text })));`;

test("without one of the packages of libp2p, the error says how to install them", async () => {
  const load = join(import.meta.dirname, "load.ts");
  const args = ["--input-type=module", "--eval", hidden, load];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 });
  assert.deepEqual(JSON.parse(stdout), {
    code: "unavailable",
    text:
      "libp2p needs packages that are not all installed; install them with: " +
      "npm install libp2p@3 @libp2p/tcp@11 @chainsafe/libp2p-noise@17 @libp2p/yamux@8 " +
      "@libp2p/mplex@12 @libp2p/crypto@5 @multiformats/multiaddr@13",
  });
});
