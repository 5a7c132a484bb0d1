/** The command line as a bundle: its modules find what lies beside their sources, and what they
 *  import of Node and of packages. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bundleCli } from "../../scripts/cli-bundle.ts";
import { temporaryDir } from "../../src/store/testing/at-end.ts";
import { root } from "../fixtures/cluster.ts";

for (const isCompact of [false, true]) {
  test(`a bundled module knows where its source lies (compact: ${isCompact})`, async (t) => {
    const dir = temporaryDir(t, "bundle-");
    const source = join(dir, "source");
    mkdirSync(join(source, "lazy"), { recursive: true });
    writeFileSync(join(source, "beside.txt"), "beside");
    writeFileSync(
      join(source, "lazy", "shown.ts"),
      `import fs, { readFileSync } from "node:fs";
       export function shown(): string {
         const at = new URL("../beside.txt", import.meta.url);
         return readFileSync(at, "utf8") + fs.existsSync(at);
       }`,
    );
    const zod = JSON.stringify(join(root, "node_modules", "zod", "index.js"));
    writeFileSync(
      join(source, "main.ts"),
      `import { z } from ${zod};
       const { shown } = await import("./lazy/shown.ts");
       console.log(shown(), z.string().parse("parsed"), import.meta.url.endsWith("main.ts"));`,
    );
    // Its folder is reached by a link, as that of checkouts that share their packages.
    mkdirSync(join(dir, "elsewhere", "deep"), { recursive: true });
    symlinkSync(join(dir, "elsewhere", "deep"), join(dir, "linked"));
    const folder = join(dir, "linked", "program");
    await bundleCli(join(source, "main.ts"), folder, isCompact);
    const printed = execFileSync(process.execPath, [join(folder, "main.mjs")], {
      encoding: "utf8",
    });
    assert.equal(printed, "besidetrue parsed true\n");
    assert.match(readFileSync(join(folder, "LICENSES.txt"), "utf8"), /^zod \d.*MIT/s);
  });
}
