/** `join` and `topK` of pairs, run by tasks, against the judge; and rows that are kept on the
 *  disk. */
import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { text } from "../../src/index.ts";
import type { Job } from "../../src/sdk/job.ts";
import { temporaryDir } from "../../src/store/testing/at-end.ts";
import { KeptRows } from "../../src/worker/operators/kept-rows.ts";
import { depth } from "../fixtures/depth.ts";
import fc from "../fixtures/fast-check.ts";
import { judgedParts, kernelParts } from "./tasks.ts";

const dir = temporaryDir({ after }, "tequio-join-");

function fileOf(name: string, lines: readonly string[]): string {
  const path = join(dir, name);
  writeFileSync(path, lines.map((line) => `${line}\n`).join(""));
  return path;
}

async function bothOf(job: Job, inputs: readonly string[], reducers?: number): Promise<string[]> {
  const sizes = {
    splitBytes: 200,
    spillBytes: 1024,
    ...(reducers === undefined ? {} : { reducers }),
  };
  const given = { job, inputs, dir, ...sizes };
  const kernel = (await kernelParts(given)).map(String);
  assert.deepEqual(kernel, (await judgedParts(given)).map(String));
  return kernel.join("").split("\n").slice(0, -1);
}

const key = fc.oneof(
  fc.constantFrom(null, "hot", "hot", "", "é", "e\u0301", 1, "1", true, 1.5),
  fc.string({ unit: "grapheme", maxLength: 3 }),
);
const rows = fc.array(fc.tuple(key, fc.integer({ min: 0, max: 9 })), {
  minLength: 1,
  maxLength: 40,
});
const kinds = ["inner", "left", "right", "outer"] as const;

test("rows with equal keys come out side by side, of any kind, as the judge has them", async () => {
  await fc.assert(
    fc.asyncProperty(
      rows,
      rows,
      fc.integer({ min: 1, max: 4 }),
      async (lefts, rights, reducers) => {
        const of = (side: string, some: typeof lefts) =>
          `${side}=${fileOf(
            `${side}.ndjson`,
            some.map(([k, n]) => JSON.stringify({ k, n })),
          )}`;
        // In any order of the inputs: the left stays the left.
        const inputs = [of("right", rights), of("left", lefts)];
        for (const kind of kinds) {
          const job = text.json(["k", "n"]).join(text.json(["n", "k"]), { on: "k", kind });
          await bothOf(job, inputs, reducers);
        }
      },
    ),
    { numRuns: depth(25, 9) },
  );
});

test("columns of two names join, and rows without a partner have null in its place", async () => {
  const users = `left=${fileOf("u.csv", ["id,name", "1,Ana", "2,Bo"])}`;
  const orders = `right=${fileOf("o.csv", ["user,item", "1,pen", "1,ink", "3,cup"])}`;
  const job = text.csv(["id", "name"]).join(text.csv(["user", "item"]), {
    on: { left: "id", right: "user" },
    kind: "outer",
    output: "text",
  });
  assert.deepEqual(
    (await bothOf(job, [users, orders], 1)).map((row) => row.split("\t")),
    [
      ["1", '{"left":{"id":"1","name":"Ana"},"right":{"user":"1","item":"pen"}}'],
      ["1", '{"left":{"id":"1","name":"Ana"},"right":{"user":"1","item":"ink"}}'],
      ["2", '{"left":{"id":"2","name":"Bo"},"right":null}'],
      ["3", '{"left":null,"right":{"user":"3","item":"cup"}}'],
    ],
  );
  const wrong = () => text.csv(["id"]).join(text.csv(["user"]), { on: "id" as never });
  assert.throws(wrong, {
    code: "bad-request",
    message: /the right has no column "id"; it has user/,
  });
});

test("the most frequent words are the same on all workers, equal ones by letters", async () => {
  const words = fc.array(fc.constantFrom("a", "b", "c", "ä", "the", "The", "of"), {
    maxLength: 80,
  });
  await fc.assert(
    fc.asyncProperty(fc.array(words, { minLength: 1 }), fc.integer({ min: 1, max: 8 }), run),
    { numRuns: depth(25, 9) },
  );
  async function run(lines: string[][], count: number) {
    const path = fileOf(
      "words.txt",
      lines.map((some) => some.join(" ")),
    );
    for (const order of ["ascending", "descending"] as const) {
      await bothOf(text.words().count().topK(count, { order }), [path]);
    }
  }
});

test("rows that do not fit in memory are kept on the disk, in order, and gone in the end", () => {
  const path = join(dir, "kept");
  const kept = new KeptRows(path, 1_000);
  const some = Array.from({ length: 3_000 }, (_, i) => ({ i, text: "é".repeat(i % 50) }));
  some.push({ i: -1, text: "long".repeat(200_000) });
  for (const row of some) kept.add(row);
  assert.deepEqual([...kept.rows()], some);
  assert.deepEqual([...kept.rows()].length, kept.count, "a second time");
  assert.ok(existsSync(path));
  kept.discard();
  assert.equal(existsSync(path), false);
});
