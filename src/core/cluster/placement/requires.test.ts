/** Which versions of packages meet which requirements. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { WorkerSpecs } from "../../event.ts";
import { isRequirement, lacking } from "./requires.ts";

function having(packages: Record<string, string>): WorkerSpecs {
  const specs = { name: "a", host: "a", slots: 1, memoryBytes: 0, kinds: [100, 101] };
  return { ...specs, exchangeUrl: "", version: "", python: { version: "3.11.7", packages } };
}

const numpy = having({ numpy: "1.26.4", "foo-bar": "2.0rc1", dev: "3.0.dev1", dated: "2024.1" });

const met = [
  "numpy",
  "NumPy>=1.26",
  "numpy >= 1.26.4, < 2",
  "numpy==1.26.*",
  "numpy==1.26",
  "numpy~=1.20",
  "numpy~=1.26.0",
  "numpy!=1.25",
  "Foo_Bar>=1.9",
  "foo.bar<2",
  "dated>=2023.12",
];
const unmet = [
  ["numpy>=2", "numpy>=2 (has 1.26.4)"],
  ["numpy<1.26", "numpy<1.26 (has 1.26.4)"],
  ["numpy~=1.27", "numpy~=1.27 (has 1.26.4)"],
  ["numpy~=1.25.0", "numpy~=1.25.0 (has 1.26.4)"],
  ["numpy==1.2", "numpy==1.2 (has 1.26.4)"],
  ["numpy!=1.26", "numpy!=1.26 (has 1.26.4)"],
  ["foo-bar>=2", "foo-bar>=2 (has 2.0rc1)"],
  ["dev>=3", "dev>=3 (has 3.0.dev1)"],
  ["pandas", "pandas"],
  ["constructor", "constructor"],
] as const;

test("a version meets what it should, and the answer says what is there instead", () => {
  assert.deepEqual(lacking(numpy, met), []);
  for (const [text, said] of unmet) assert.deepEqual(lacking(numpy, [text]), [said]);
  const { python: _, ...bare } = numpy;
  assert.deepEqual(lacking(bare, ["numpy"]), ["numpy"]);
});

test("what is no requirement is none", () => {
  for (const text of ["", ">=2", "numpy => 2", "numpy>=x", "numpy>=2;", "a b", "-a"]) {
    assert.equal(isRequirement(text), false, text);
  }
  for (const text of [...met, "a", "a>=1,!=1.5,<2"]) assert.equal(isRequirement(text), true, text);
});
