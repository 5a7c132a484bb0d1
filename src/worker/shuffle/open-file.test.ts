/** Which files of a plan are read in place. */
import assert from "node:assert/strict";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { hostId } from "../../link/host.ts";
import { newFolder, removeFolder } from "../../store/testing/at-end.ts";
import type { InputFile } from "../../wire/block/plan.ts";
import { type InputSource, openFile } from "./open-file.ts";

test("N4: a file is read in place only where it is the submitted one, else fetched", async () => {
  const dir = newFolder("tequio-open-");
  try {
    const path = join(dir, "input");
    writeFileSync(path, "here");
    const { mtimeMs, size: sizeBytes } = statSync(path);
    const at = { kind: "path", host: hostId(), path, mtimeMs } as const;
    const file: InputFile = { name: "input", compression: "none", sizeBytes, at };
    const fetched = async function* () {
      yield Buffer.from("there");
    };
    const blobs = { input: fetched } as unknown as InputSource["blobs"];
    const signal = new AbortController().signal;
    const source = { job: "j-1", blobs, signal } as unknown as InputSource;
    const read = async (one: InputFile) => {
      const opened = await openFile(source, one, 0);
      let text = "";
      for await (const bytes of opened.read(0, one.sizeBytes)) text += Buffer.from(bytes);
      await opened.close();
      return text;
    };
    assert.equal(await read(file), "here");
    // Another machine of the same name: a file of another time, of another size, or none.
    assert.equal(await read({ ...file, at: { ...at, mtimeMs: mtimeMs - 5_000 } }), "there");
    assert.equal(await read({ ...file, sizeBytes: 5 }), "there");
    assert.equal(await read({ ...file, at: { ...at, path: join(dir, "none") } }), "there");
  } finally {
    removeFolder(dir);
  }
});
