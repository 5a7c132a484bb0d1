/** The checked-in kernels are built from the sources. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  compiled,
  compiledBytes,
  compiledPython,
  examples,
  kernels,
  pythonKernels,
} from "../../scripts/build-wasm.ts";

const root = join(import.meta.dirname, "..", "..");

for (const [source, module] of kernels) {
  test(`${module} is what ${source} compiles to`, async () => {
    for (const [path, text] of await compiled(source, module)) {
      const kept = readFileSync(join(root, path), "utf8");
      assert.ok(kept === text, "run `node scripts/build-wasm.ts` and commit it");
    }
  });
}

for (const [source, module] of pythonKernels) {
  test(`${module} is what ${source} compiles to`, async () => {
    const kept = readFileSync(join(root, module), "utf8");
    assert.ok(kept === (await compiledPython(source)), "run `node scripts/build-wasm.ts`");
  });
}

for (const [source, module] of examples) {
  test(`${module} is what ${source} compiles to`, async () => {
    const kept = readFileSync(join(root, module));
    assert.ok(kept.equals(await compiledBytes(source)), "run `node scripts/build-wasm.ts`");
  });
}
