/** What lies in a folder that is shared. */
import assert from "node:assert/strict";
import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDir } from "../../store/testing/at-end.ts";
import { scan } from "./scan.ts";

test("a name with a newline is left out by itself, and empty folders are named", (t) => {
  const dir = temporaryDir(t);
  mkdirSync(join(dir, "books", "empty", "inner"), { recursive: true });
  writeFileSync(join(dir, "books", "good"), "x");
  try {
    writeFileSync(join(dir, "books", "two\nlines"), "x");
  } catch {
    return t.skip("this file system has no such names");
  }
  const { emptyFolders, files, leftOut } = scan([join(dir, "books")]);
  assert.deepEqual(
    files.map(({ name }) => name),
    ["books/good"],
  );
  assert.deepEqual(emptyFolders, ["books/empty/inner/"]);
  assert.equal(leftOut.length, 1);
  assert.match(leftOut[0] as string, /two\nlines: its name has control characters$/);
  mkdirSync(join(dir, "none"));
  assert.deepEqual(scan([join(dir, "none")], "called").emptyFolders, ["called/"]);
});

test("X9: a name that is not UTF-8 ends sharing with an error that names it", (t) => {
  const dir = temporaryDir(t, "tequio-scan-");
  mkdirSync(join(dir, "books"));
  // A name may contain the character that replaces invalid UTF-8.
  for (const name of ["é.txt", "\ufffd.txt"]) writeFileSync(join(dir, "books", name), "x");
  const { files, leftOut } = scan([join(dir, "books")], "b");
  assert.deepEqual(files.map(({ name }) => name).toSorted(), ["b/é.txt", "b/\ufffd.txt"]);
  assert.deepEqual(leftOut, []);
  const strange = Buffer.concat([Buffer.from(`${join(dir, "books")}/caf`), Buffer.of(0xe9)]);
  try {
    writeFileSync(strange, "x");
  } catch {
    return t.skip("this file system has only UTF-8 names");
  }
  const refused = { code: "bad-request", message: /books\/caf\\xe9: the name is not UTF-8/ };
  assert.throws(() => scan([join(dir, "books")]), refused);
});

test("links that are left out are named, each with its own reason", (t) => {
  const dir = temporaryDir(t, "tequio-scan-");
  mkdirSync(join(dir, "books", "old"), { recursive: true });
  for (const name of ["books/a", "books/old/b", "out"]) writeFileSync(join(dir, name), "x");
  const links = {
    inside: "old/b",
    folder: "old",
    nowhere: "gone",
    circle: "circle",
    out: "../out",
  };
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(dir, "books", name));
  const { files, leftOut } = scan([join(dir, "books")]);
  assert.deepEqual(
    files.map(({ name }) => name),
    ["books/a", "books/inside", "books/old/b"],
  );
  const why = leftOut.map((text) => text.slice(join(dir, "books").length + 1)).sort();
  const real = realpathSync(dir);
  assert.deepEqual(why, [
    "circle: a link that cannot be followed (ELOOP)",
    `folder: a link to the folder ${real}/books/old, whose files have their names there`,
    "nowhere: a link to gone, which does not exist",
    `out: a link that leads out of what is shared, to ${real}/out; share that, too`,
  ]);
});
