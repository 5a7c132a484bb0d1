/** Which files a job reads, in which order, and the error when there are none. */
import assert from "node:assert/strict";
import { chmod, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import test, { type TestContext } from "node:test";
import { temporaryDir } from "../store/testing/at-end.ts";
import { findInputs } from "./inputs.ts";

const one = { names: ["default"] };

async function folder(t: TestContext, files: Record<string, string>): Promise<string> {
  const path = temporaryDir(t, "inputs-test-");
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  return path;
}

async function namesOf(path: string, given: readonly string[]): Promise<string[]> {
  const paths = given.map((g) => join(path, g));
  const { files } = await findInputs(paths, one);
  return files.map((file) => relative(path, file.name));
}

test("files come in the order given, those of a folder sorted, without hidden ones", async (t) => {
  const path = await folder(t, {
    "z.txt": "z",
    "d/b": "b",
    "d/B": "B",
    "d/é": "e",
    "d/a/x": "x",
    "d/.hidden": "no",
    "d/.git/x": "no",
  });
  assert.deepEqual(await namesOf(path, ["z.txt", "d"]), ["z.txt", "d/B", "d/a/x", "d/b", "d/é"]);
  assert.deepEqual(await namesOf(path, ["d", "z.txt", "z.txt"]).then((n) => n.slice(-2)), [
    "z.txt",
    "z.txt",
  ]);
});

test("however a folder is written, its files have short names and whole paths", async (t) => {
  const path = await folder(t, { "a.txt": "1", "d/b.txt": "2" });
  const away = relative(process.cwd(), path);
  for (const given of [path, `${path}/`, `${path}//d/../`, away, `./${away}/.`, `${path}/./d`]) {
    const { files } = await findInputs([given], one);
    const names = given.endsWith("d") ? ["b.txt"] : ["a.txt", "d/b.txt"];
    assert.deepEqual(
      files.map(({ name }) => name),
      names.map((name) => join(given, name)),
    );
    for (const { at, name } of files) assert.equal(at.kind === "path" && at.path, resolve(name));
  }
});

test("globs give files only, sorted, and a name with glob characters is itself", async (t) => {
  const path = await folder(t, {
    "a1.txt": "",
    "a0.txt": "",
    ".a2.txt": "",
    "a3.txt/x": "",
    "b[1]": "",
  });
  assert.deepEqual(await namesOf(path, ["*.txt"]), ["a0.txt", "a1.txt"]);
  assert.deepEqual(await namesOf(path, [".*.txt"]), [".a2.txt"]);
  assert.deepEqual(await namesOf(path, ["b[1]"]), ["b[1]"]);
  assert.deepEqual(await namesOf(path, ["**/x"]), ["a3.txt/x"]);
});

test("records that were set aside are no input, unless they are named", async (t) => {
  const path = await folder(t, { "out/a.ndjson": "1", "out/_bad/records.ndjson": "2" });
  const found = async (name: string) => {
    const { files } = await findInputs([join(path, name)], one);
    return files.map((file) => file.name.slice(path.length + 1));
  };
  assert.deepEqual(await found("out"), ["out/a.ndjson"]);
  assert.deepEqual(await found("out/**/*.ndjson"), ["out/a.ndjson"]);
  assert.deepEqual(await found("out/_bad/*"), ["out/_bad/records.ndjson"]);
});

test("links to files and to folders are read, one that leads in a circle is refused", async (t) => {
  const path = await folder(t, { "d/a": "1", "other/x": "2" });
  await symlink(join(path, "other/x"), join(path, "d/file"));
  await symlink(join(path, "other"), join(path, "d/folder"));
  assert.deepEqual(await namesOf(path, ["d"]), ["d/a", "d/file", "d/folder/x"]);
  await symlink(join(path, "d/folder"), join(path, "e"));
  assert.deepEqual(await namesOf(path, ["e"]), ["e/x"]);
  for (const [target, at] of [
    ["d", "d/circle"],
    [".", "d/circle"],
    ["d", "other/circle"],
  ] as const) {
    await symlink(join(path, target), join(path, at));
    await assert.rejects(namesOf(path, ["d"]), (error: Error) => {
      assert.match(
        error.message,
        /^bad-request: .*circle is a link to .* leads in a circle; remove/,
      );
      return true;
    });
    await rm(join(path, at));
  }
});

test("the name says how a file is compressed", async (t) => {
  const path = await folder(t, { "a.gz": "1", "b.ZST": "22", "c.txt": "333" });
  const { files } = await findInputs([path], one);
  const found = files.map((f) => [f.compression, f.sizeBytes]);
  assert.deepEqual(found, [
    ["gzip", 1],
    ["zstd", 2],
    ["none", 3],
  ]);
});

test("standard input becomes a blob that is gone after remove", async () => {
  const stdin = (async function* () {
    yield Buffer.from("one\n");
    yield Buffer.from("two\n");
  })();
  const { files, remove } = await findInputs(["-"], { ...one, stdin });
  const at = files[0]?.at;
  assert.ok(at?.kind === "upload" && at.upload.at.kind === "path");
  const spooled = at.upload.at.path;
  assert.equal(await readFile(spooled, "utf8"), "one\ntwo\n");
  assert.equal(at.upload.hash.length, 64);
  await remove();
  await assert.rejects(readFile(spooled), { code: "ENOENT" });
});

test("standard input has a limit, and leaves nothing when it is exceeded", async () => {
  const stdin = (async function* () {
    for (;;) yield Buffer.alloc(1000);
  })();
  await assert.rejects(findInputs(["-"], { ...one, stdin, stdinMaxBytes: 10_000 }), {
    code: "limit-exceeded",
    message: /longer than 10000 bytes \(stdinMaxBytes\)/,
  });
});

test("a job of several inputs takes name=path", async (t) => {
  const path = await folder(t, { u: "1", "o=1": "2" });
  const both = { names: ["users", "orders"] };
  const { files } = await findInputs([`orders=${path}/o=1`, `users=${path}/u`], both);
  assert.deepEqual(
    files.map((f) => f.input),
    ["orders", "users"],
  );
  const cases: ReadonlyArray<readonly [string[], RegExp]> = [
    [[`${path}/u`], /say which input it is for; the job takes users=PATH orders=PATH/],
    [[`user=${path}/u`], /has no input "user".*Did you mean "users"\?/],
    [[`users=${path}/u`], /nothing was given for the input "orders"; add orders=PATH/],
    [[], /no input; give users=PATH orders=PATH/],
  ];
  for (const [given, message] of cases) {
    await assert.rejects(findInputs(given, both), { code: "bad-request", message });
  }
});

test("whatever has no file is a bad request that says what to do", async (t) => {
  const path = await folder(t, { "words.txt": "1", "empty/.hidden": "", "f/x": "" });
  const cases: ReadonlyArray<readonly [string, RegExp]> = [
    ["word.txt", /no such file: .*Did you mean "words\.txt"\?/],
    ["words.txt/x", /no such file/],
    ["*.csv", /no file matches .*\*\.csv/],
    ["empty", /has no files in it; hidden files do not count/],
  ];
  for (const [name, message] of cases) {
    await assert.rejects(findInputs([join(path, name)], one), { code: "bad-request", message });
  }
  await assert.rejects(findInputs(["/dev/null"], one), { message: /not a regular file; pipe it/ });
  for (const address of ["ftp://h/a.txt?x=[1]", "gs://bucket/*.gz"]) {
    const message = /only https:\/\/, http:\/\/ and s3:\/\/ are read; .*: curl -s ADDRESS/;
    await assert.rejects(findInputs([address], one), { code: "bad-request", message });
  }
  await assert.rejects(findInputs([""], one), { message: /an input is empty/ });
  await assert.rejects(findInputs([], one), { message: /no input; give PATH/ });
  await assert.rejects(findInputs([path], { ...one, filesMax: 1 }), {
    code: "limit-exceeded",
    message: /filesMax/,
  });
});

test("a file that may not be read is named", async (t) => {
  if (process.getuid?.() === 0) return t.skip("root may read everything");
  const path = await folder(t, { secret: "1" });
  await chmod(join(path, "secret"), 0);
  const message = /cannot read .*secret: permission denied/;
  await assert.rejects(findInputs([join(path, "secret")], one), { code: "bad-request", message });
});
