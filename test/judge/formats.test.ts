/** Input formats: the judge and task processes read the same records, or refuse them with the same
 *  words. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { csv, type Format, ndjson, text } from "../../src/sdk/format.ts";
import type { AnyMapReduce, Emit } from "../../src/sdk/job.ts";
import { mapReduce } from "../../src/sdk/job.ts";
import { depth } from "../fixtures/depth.ts";
import fc from "../fixtures/fast-check.ts";
import { bothWays, type Outcome } from "./tasks.ts";

function jobOf(input: unknown, badRecords: "fail" | "keep"): AnyMapReduce {
  const job = mapReduce({
    input: input as Format<unknown>,
    map(record: unknown, emit: Emit<number, string>, { offset }) {
      emit(offset, JSON.stringify(record));
    },
    reducers: 0,
    badRecords,
  });
  return job as AnyMapReduce;
}

/** Both results, which must be the same. */
async function same(input: unknown, content: string, splitBytes = 1 << 20): Promise<Outcome[]> {
  const found: Outcome[] = [];
  for (const badRecords of ["fail", "keep"] as const) {
    const { judge, tasks } = await bothWays(jobOf(input, badRecords), content, splitBytes);
    assert.deepEqual(judge, tasks, JSON.stringify({ input, content, splitBytes, badRecords }));
    found.push(judge);
  }
  return found;
}

const refused: ReadonlyArray<readonly [what: string, content: string, text: RegExp]> = [
  ["duplicate names in a header", "a,b,a\n1,2,3\n", /two columns "a"/],
  ["a column __proto__", "a,__proto__\n1,2\n", /a column __proto__/],
  ["a header whose quotes are open", 'a,"b\nc"\n1,2\n', /the header line is not CSV/],
  ["a header with misplaced quotes", 'a,b"c\n1,2\n', /the header line is not CSV/],
];

for (const [what, content, text] of refused) {
  test(`${what}: the judge refuses what task processes refuse`, async () => {
    for (const splitBytes of [1 << 20, 8]) {
      const [outcome] = await same(csv(), content, splitBytes);
      assert.ok(outcome !== undefined && "code" in outcome, JSON.stringify(outcome));
      assert.equal(outcome.code, "bad-request");
      assert.match(outcome.text, text);
    }
  });
}

test("a header with a newline in quotes names the column, as in task processes", async () => {
  const [outcome] = await same(csv({ multiline: true }), '"a\nx",b\n1,"2\n3"\n');
  assert.ok(outcome !== undefined && "rows" in outcome, JSON.stringify(outcome));
  assert.deepEqual(JSON.parse(JSON.parse(outcome.rows).value), { "a\nx": "1", b: "2\n3" });
});

test("a stray quote before many lines costs one row, in the judge too", async () => {
  const lines = `${"x".repeat(1 << 20)}\n`.repeat(18);
  const [outcome] = await same(csv({ header: false, multiline: true }), `a,b"\n${lines}c\n`);
  assert.ok(outcome !== undefined);
});

test("a picked column that is not there is refused with the same words", async () => {
  const [outcome] = await same(text.csv(["c"]), "a,b\n1,2\n");
  assert.ok(outcome !== undefined && "code" in outcome && /no column "c"/.test(outcome.text));
});

test("a separator that cannot be one is refused where the job is written", () => {
  for (const separator of ["\r", "\n", '"', "", ",,", "😀"]) {
    for (const make of [csv, (options: object) => text.csv(["a"], options)]) {
      assert.throws(() => make({ separator }), /the separator must be one character/);
    }
  }
});

test("a column of csv() that cannot be a field is refused where the job is written", () => {
  assert.throws(() => csv({ columns: ["a", "a"] }), /two "a"/);
  assert.throws(() => csv({ columns: ["__proto__"] }), /__proto__/);
});

const oddPart = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("a", "b", "1", " ", "é", "😀", "\ud800") },
  { weight: 4, arbitrary: fc.constantFrom(",", ",", "\n", "\n", "\r\n", "\r", ";", "\t") },
  { weight: 2, arbitrary: fc.constantFrom('"', '""', '"a\nb"', '"a,b"', "__proto__", "\ufeff") },
);
const oddText = fc.array(oddPart, { maxLength: 30 }).map((parts) => parts.join(""));
const runs = depth(150, 50);

test("any text as CSV gives the same records, bad records or refusal", async () => {
  const format = fc.record({
    header: fc.boolean(),
    separator: fc.constantFrom(",", ";", "\t", "a"),
    multiline: fc.boolean(),
    columns: fc.constantFrom(undefined, ["x"], ["x", "y"]),
  });
  await fc.assert(
    fc.asyncProperty(format, oddText, fc.constantFrom(3, 7, 1000), async (given, content, size) => {
      const { columns, ...rest } = given;
      await same(csv(columns === undefined ? rest : { ...rest, columns }), content, size);
    }),
    { numRuns: runs },
  );
});

test("any text as picked columns of CSV gives the same", async () => {
  const format = fc.record({ header: fc.boolean(), multiline: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(format, oddText, fc.constantFrom(3, 1000), async (given, content, size) => {
      await same(text.csv(["a", "b"], given), content, size);
    }),
    { numRuns: runs },
  );
});

test("any text as lines, matches, JSON and a whole file gives the same", async () => {
  const formats = [
    text.lines(),
    text.match(/a|1,/g),
    text.match(/(a)|(b)/, ["x", "y"]),
    text.file(),
    ndjson(),
    text.json(["a", "a.0", "__proto__.x", "length"]),
  ];
  const json = fc.json({ maxDepth: 2, noUnicodeString: false } as object);
  const content = fc.oneof(
    oddText,
    fc.array(json).map((all) => all.join("\n")),
    fc
      .array(fc.constantFrom('{"a":1,"__proto__":{"x":2}}', '{"a":[1]}', "[]", "null"))
      .map((all) => all.join("\n")),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom<unknown>(...formats),
      content,
      fc.constantFrom(16, 1000),
      async (format, given, size) => void (await same(format, given, size)),
    ),
    { numRuns: runs / 2 },
  );
});
