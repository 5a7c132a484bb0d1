/** SQL as tables: what is read of files, and what is refused by its name. DuckDB judges the answers
 *  in `duckdb.test.ts`. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { after } from "node:test";
import { gzipSync } from "node:zlib";
import { explained } from "../../src/sdk/sql/explain.ts";
import { sqlJob } from "../../src/sdk/sql/select.ts";
import { temporaryDir } from "../../src/store/testing/at-end.ts";
import { filesWays } from "./run.ts";

const folder = temporaryDir({ after }, "sql-");

function file(name: string, content: string | Uint8Array): string {
  writeFileSync(join(folder, name), content);
  return `'${join(folder, name)}'`;
}

async function linesOf(query: string): Promise<string[]> {
  const { path, table } = await sqlJob(query);
  const { judge, kernels } = await filesWays(table.with({ output: "csv" }), [path]);
  assert.deepEqual(kernels, judge);
  return Buffer.from(judge.parts.join(""), "latin1").toString().split("\n").slice(0, -1);
}

const csv = file("a.csv", "City,zip,n,empty\nx,01234,9007199254740993,\ny,1,2,\n");

test("columns have the kinds that their cells have", async () => {
  assert.deepEqual(await linesOf(`select City, zip, n from ${csv} where n > 2`), [
    "City,zip,n",
    "x,01234,9007199254740993",
  ]);
  assert.deepEqual(await linesOf(`select * from ${csv} order by N desc limit 1`), [
    "City,zip,n,empty",
    "x,01234,9007199254740993,",
  ]);
  assert.deepEqual(await linesOf(`select sum(n), min(city), count(empty) from ${csv}`), [
    "sum(n),min(city),count(empty)",
    "9007199254740995,x,0",
  ]);
});

test("a column may have no name, as the index that pandas writes", async () => {
  const from = file("pandas.csv", ",a\n0,x\n1,y\n");
  assert.deepEqual(await linesOf(`select * from ${from}`), ['"",a', "0,x", "1,y"]);
});

test("columns that come late or in other files are found, or refused, never left out", async () => {
  const early = '{"a":1}\n'.repeat(150_000);
  const late = file("late.ndjson", `${early}{"a":2,"b":{"c":3}}\n`);
  const found = `select * from ${late} where b.c is not null`;
  assert.deepEqual(await linesOf(found), ["a,b.c", "2,3"]);
  file("of-1.ndjson", '{"a":1}\n');
  const some = file("of-2.ndjson", '{"z":3}\n').replace("of-2", "of-*");
  assert.deepEqual(await linesOf(`select z, a from ${some} order by 1`), ["z,a", "3,", ",1"]);
  await assert.rejects(sqlJob(`select y from ${some}`), {
    message: /no column "y" in the first MiB of .*of-1\.ndjson and parts of the others; .* a, z/,
  });
  file("more-1.csv", "a\n1\n");
  const more = file("more-2.csv", "a,b\n2,3\n").replace("more-2", "more-*");
  await assert.rejects(sqlJob(`select * from ${more}`), {
    message: /more-2\.csv has a column "b", and .*more-1\.csv has none, so that \* would leave/,
  });
  assert.deepEqual(await linesOf(`select a, count(*) as n from ${more} group by 1 order by 1`), [
    "a,n",
    "1,1",
    "2,1",
  ]);
});

test("a file of which no line is JSON is refused with the reason", async () => {
  const from = file("nan.ndjson", '{"a":NaN}\n');
  await assert.rejects(sqlJob(`select a from ${from}`), {
    message: /nan\.ndjson begins with no line of JSON: Unexpected token/,
  });
});

test("parentheses decide where the parser would not", async () => {
  assert.deepEqual(await linesOf(`select (empty = n) is null as a from ${csv}`), [
    "a",
    "true",
    "true",
  ]);
  const both = `(empty is null) = (n > 1) as a, City || (zip + 1) as b, t1.n as c1_0`;
  assert.deepEqual(await linesOf(`select ${both} from ${csv} t1 order by n limit 1`), [
    "a,b,c1_0",
    "true,y2,2",
  ]);
});

test("files are read by what their names and first bytes say", async () => {
  const rows = '{"user":{"id":7},"at":"2024-01-02"}\n{"user":{"id":8}}\n';
  const expected = ["id,at", "7,2024-01-02"];
  for (const [name, content] of [
    ["a.ndjson", rows],
    ["b.json", `[${rows.trim().replace("\n", ",")}]`],
    ["c.jsonl.gz", gzipSync(rows)],
  ] as const) {
    const from = file(name, content);
    const query = `select "user".id as id, at from ${from} where at is not null`;
    assert.deepEqual(await linesOf(query), expected);
  }
  const log = file("d.log", "GET /a\nPUT /b\nGET /c\n");
  const verbs = "substr(line, 1, 3) as verb, count(*) as n";
  const query = `select ${verbs} from ${log} group by 1 order by n`;
  assert.deepEqual(await linesOf(query), ["verb,n", "PUT,1", "GET,2"]);
  const tsv = file("e.tsv", "a\tb\n1\t2\n");
  assert.deepEqual(await linesOf(`select b + a as c from ${tsv}`), ["c", "3"]);
});

test("what is not supported is refused by its name", async () => {
  const refused: ReadonlyArray<readonly [query: string, problem: RegExp]> = [
    [`select a from ${csv} join 'b.csv' on a = b`, /a second file is not supported; a join/],
    [`select row_number() over () from ${csv}`, /a window is not supported/],
    [`select stddev(n) from ${csv}`, /the function stddev is not supported; there are abs/],
    [`select n from ${csv} where n in (select 1)`, /IN with a query is not supported/],
    [`select distinct on (n) n from ${csv}`, /DISTINCT ON is not supported/],
    [`select cast(n as int) from ${csv}`, /a cast to int is not supported; there are double/],
    [`select n from ${csv} union select 1`, /UNION is not supported/],
    [`select n from ${csv} where n = 9007199254740993`, /beyond 2\^53 is not supported; write/],
    [`select n from ${csv} where n > 1e3`, /the number 1e3 is not supported/],
    [`select n * 1_000 from ${csv}`, /the number 1_000 is not supported; write decimal digits/],
    [`select n, 0x1F from ${csv}`, /the number 0x1F is not supported/],
    [`select n from ${csv} where n > .5e1`, /the number 5e1 is not supported/],
    [`select n from ${csv} where zip = n is null`, /IS NULL to the right of = is not supported/],
    [`select City || n + 1 from ${csv}`, /\+ to the right of \|\| is not supported/],
    [`delete from ${csv}`, /DELETE is not supported/],
    [`select n, n from ${csv}`, /two columns of the result are named "n"/],
    [`select City, n from ${csv} group by City`, /"n" must be in GROUP BY/],
    [`select town from ${csv}`, /no column "town"; there are: City, zip, n, empty/],
    [`select n from ${csv} order by 4`, /there is no column 4 in the result/],
    [`select count(*) from ${csv} where count(*) > 1`, /count\(\*\) is an aggregate/],
    [`select n + 'x' as m from ${csv}`, /'x' beside \+ is no number/],
    [`select n from ${csv} where n > 'x'`, /'x' beside > is no number/],
    [`select City + 'x' as m from ${csv}`, /add: "x" is no number/],
    [`select n from ${csv} where n = true`, /true beside = is no number, and n is one/],
    [`select n from ${csv} where false <> n`, /false beside != is no number, and n is one/],
    [`select n from ${csv} where n in (1, true)`, /true beside IN is no number, and n is one/],
    [`select n from ${csv} where n between 'a' and 2`, /'a' beside BETWEEN is no number/],
    [`select n from ${csv} where n = (City = 'x')`, /what is computed beside = is no number/],
    [`select n frm ${csv}`, /cannot be read at line 1, column/],
    ["select n from sales/x.csv", /cannot be read .*; files are in quotes: FROM 'sales/],
    [`select count(*) as n from ${csv} having count(*) > 1`, /HAVING needs GROUP BY/],
    ["select 1", /give the files to read/],
    [`select a from ${file("f.xlsx", "x")}`, /what .*f.xlsx is cannot be seen by its name/],
  ];
  for (const [query, problem] of refused) await assert.rejects(sqlJob(query), problem, query);
});

test("the stages are explained", async () => {
  const { table } = await sqlJob(
    `select City, sum(n) from ${csv} where n > 1 group by 1 order by 2`,
  );
  const { apply } = table.operator;
  assert.equal(apply.operator, "query");
  const planned = { ...(apply as never as { reducers: [] }), reducers: [3, 1] } as never;
  const namesOf = (tasks: number, inOne: boolean) =>
    explained(planned, tasks, inOne).map((line) => line.split(":")[0]);
  assert.deepEqual(namesOf(1, true).slice(-3), [
    "  group by key 0",
    "  select City = key 0, sum(n) = aggregate 0",
    "  sort by sum(n) ascending",
  ]);
  assert.deepEqual(namesOf(5, false), [
    "map, 5 tasks",
    "  where gt(number(n), 1)",
    "  select key 0 = City, n = number(n)",
    "reduce, 3 tasks",
    "  select City = key 0, sum(n) = aggregate 0",
    "reduce, 1 task",
  ]);
});
