/** Input files of this machine: what was read of one that has changed meanwhile does not count. */
import assert from "node:assert/strict";
import { appendFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDir } from "../../store/testing/at-end.ts";
import { openLocal } from "./file.ts";

test("X2: a reader that stops early looks at the file again, too", async (t) => {
  const dir = temporaryDir(t, "input-");
  const path = join(dir, "input.txt");
  writeFileSync(path, Buffer.alloc(1024 * 1024, "line\n"));
  const { mtimeMs, size: sizeBytes } = statSync(path);
  const at = { kind: "path", host: "here", path, mtimeMs } as const;
  const file = await openLocal({ name: "input.txt", compression: "none", sizeBytes, at });
  t.after(() => file.close());
  const readFirst = async (meanwhile: () => void) => {
    for await (const chunk of file.read(0, sizeBytes)) {
      meanwhile();
      return chunk.length;
    }
    return 0;
  };
  assert.ok((await readFirst(() => {})) > 0);
  await assert.rejects(
    readFirst(() => appendFileSync(path, "more")),
    { code: "data-lost" },
  );
});
