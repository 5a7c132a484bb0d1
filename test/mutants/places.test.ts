/** Every planted bug has its place in the product as it is now. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { mutants } from "./catalogue.ts";
import { knownSeeds } from "./known-seeds.ts";
import { placesOf } from "./places.ts";

const hint = "write the edit anew in test/mutants/planted";

test("each planted bug finds exactly one place", async (t) => {
  for (const { edits, name } of mutants) {
    await t.test(name, () => {
      for (const edit of edits) {
        const places = placesOf(edit).map(({ file }) => file);
        assert.equal(places.length, 1, `${edit.in}: ${edit.find}\nis in [${places}]; ${hint}`);
      }
    });
  }
});

test("planted bugs have names of their own, which the known seeds have, too", () => {
  const names = mutants.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  assert.deepEqual(
    Object.keys(knownSeeds).filter((name) => !names.includes(name)),
    [],
  );
});

test("a pattern stands for syntax, not for names, line breaks or comments", () => {
  const edit = { in: "placesOf", find: "$a.get($b) ?? $b", put: "$b" };
  assert.deepEqual(placesOf(edit), [], "only the product is looked at");
  const inCore = { in: "isOpen", find: "$x === null", put: "$x" };
  assert.equal(placesOf(inCore).length, 1);
  assert.equal(placesOf({ ...inCore, find: "$x /* none */ ===\n null" }).length, 1);
  assert.equal(placesOf({ ...inCore, find: "$x !== null" }).length, 0);
  assert.equal(placesOf({ ...inCore, find: "$x === $x" }).length, 0);
});
