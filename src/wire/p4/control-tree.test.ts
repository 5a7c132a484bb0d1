/** Trees of files: every spelling, there and back, and malformed trees. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../../../test/fixtures/fast-check.ts";
import { catalogueLimits, type SharedFile } from "../../core/catalogue.ts";
import { fileAddress, parseFileAddress } from "./control.ts";
import { buildTree, flattenTree, treeDepthMax } from "./control-tree.ts";

const root = "ab".repeat(32);
const names = (tree: unknown) => flattenTree(tree).map(({ name }) => name);

const spellings: ReadonlyArray<readonly [unknown, readonly string[]]> = [
  [{}, []],
  [[], []],
  [{ a: null, b: { c: null, d: { e: null } }, empty: {} }, ["a", "b/c", "b/d/e"]],
  [
    ["a", "b/c"],
    ["a", "b/c"],
  ],
  [{ docs: ["x", "y"], z: null }, ["docs/x", "docs/y", "z"]],
  [
    [{ name: "a" }, { name: "b", children: [{ name: "c", mode: 420 }] }],
    ["a", "b/c"],
  ],
  [[{ name: "b", files: ["c", { name: "d", files: { e: null } }] }], ["b/c", "b/d/e"]],
  [{ a: { root, size_bytes: 3 } }, ["a"]],
  [{ a: { root: { x: null } } }, ["a/root/x"]],
  [["a", "a"], ["a"]],
  [JSON.parse('{"__proto__": null, "constructor": {"x": null}}'), ["__proto__", "constructor/x"]],
];

test("a tree is read in every spelling that a list of files has", () => {
  for (const [tree, wanted] of spellings) assert.deepEqual(names(tree), wanted);
  const [file] = flattenTree([{ name: "a", root, size_bytes: 3, description: "d", x: 1 }]);
  assert.deepEqual(file, { name: "a", root, sizeBytes: 3, description: "d" });
});

test("what is not a tree is refused", () => {
  const refused: unknown[] = [
    null,
    "a",
    7,
    { a: "file" },
    { a: 3 },
    [null],
    [["a"]],
    [{ root }],
    [{ name: "a", children: "b" }],
    { a: { size_bytes: "3" } },
    { a: { root: 1 } },
    ["a", { name: "a", root }],
  ];
  for (const tree of refused) {
    assert.throws(() => flattenTree(tree), { code: "bad-request" }, JSON.stringify(tree));
  }
});

test("F7: 10,000 nested folders, too long names, too many files are refused", () => {
  const deep = JSON.parse(`${'{"a":'.repeat(10_000)}null${"}".repeat(10_000)}`);
  assert.throws(() => flattenTree(deep), { code: "bad-request" });
  const allowed = JSON.parse(`${'{"a":'.repeat(treeDepthMax)}null${"}".repeat(treeDepthMax)}`);
  assert.deepEqual(names(allowed), [Array(treeDepthMax).fill("a").join("/")]);
  const long = { ["x".repeat(catalogueLimits.nameBytesMax)]: { a: null } };
  assert.throws(() => flattenTree(long), { code: "bad-request" });
  const many = Array.from({ length: catalogueLimits.filesPerMemberMax + 1 }, (_, n) => `${n}`);
  assert.throws(() => flattenTree(many), { code: "limit-exceeded" });
  // A small tree with a long list: each name repeats its folder.
  const wide = { ["x".repeat(4_000)]: Array.from({ length: 100_000 }, (_, n) => `${n}`) };
  assert.throws(() => flattenTree(wide), { code: "limit-exceeded" });
});

test("any list of files reads back from its tree", () => {
  const part = fc.constantFrom("a", "b", "", ".", "root", "size_bytes", "__proto__", "c d", "é");
  const name = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join("/"));
  const file = fc.record({
    name: name.filter((text) => text !== ""),
    root: fc.constantFrom(null, root),
    sizeBytes: fc.constantFrom(null, 0, 2 ** 40),
    description: fc.constantFrom("", "d"),
  });
  const list = fc.uniqueArray(file, { selector: (one: SharedFile) => one.name, maxLength: 12 });
  fc.assert(
    fc.property(list, (files) => {
      const back = flattenTree(JSON.parse(JSON.stringify(buildTree(files))));
      const sorted = (some: readonly SharedFile[]) =>
        some.map((one) => ({ ...one })).sort((a, b) => (a.name < b.name ? -1 : 1));
      assert.deepEqual(sorted(back), sorted(files));
    }),
    { numRuns: 500 },
  );
});

test("an address names host, port and a name that may hold anything", () => {
  const places = [
    ["grpc://127.0.0.1:8001/a b/c:d?e#f%20", "127.0.0.1", 8001, "a b/c:d?e#f%20"],
    ["grpc://host:65535/", "host", 65_535, ""],
    ["grpc://[::1]:1/x", "::1", 1, "x"],
    ["grpc://h:1//etc/passwd\nx", "h", 1, "/etc/passwd\nx"],
  ] as const;
  for (const [text, host, port, name] of places) {
    assert.deepEqual(parseFileAddress(text), { address: { host, port }, name });
    assert.equal(fileAddress({ host, port }, name), text);
  }
  for (const text of ["", "grpc://h:0/x", "grpc://h:65536/x", "http://h:1/x", "grpc://h:1"]) {
    assert.equal(parseFileAddress(text), null, text);
  }
});
