/** Without the package, the failure says how to get it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { errorWithout } from "../testing/without-package.ts";

test("without the package zeromq, the error says how to install it", async () => {
  const file = join(import.meta.dirname, "load.ts");
  assert.deepEqual(await errorWithout("zeromq", { file, load: "loadZeromq" }), {
    code: "unavailable",
    text:
      "the filesystem protocol needs the package zeromq, which is not installed; " +
      "install it with: npm install zeromq@6",
  });
});
