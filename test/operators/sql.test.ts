/** SQL as tables: what is read of files, and what is refused by its name. DuckDB judges the answers
 *  in `duckdb.test.ts`. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { after } from "node:test";
import { gzipSync } from "node:zlib";
import { text } from "../../src/index.ts";
import { explained } from "../../src/sdk/sql/explain.ts";
import { sqlJob } from "../../src/sdk/sql/select.ts";
import { temporaryDir } from "../../src/store/testing/at-end.ts";
import { allWays, filesWays } from "./run.ts";

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

const open = file("open.csv", "id,open,mixed\n1,true,true\n2,FALSE,5\n3,True,\n4,,no\n");

test("a column of CSV that has only true and false is one of booleans, as of JSON", async () => {
  const lines = "1,true;2,FALSE;3,True;4,".split(";").map((line) => line.split(","));
  const json = lines.map(([id, is]) => `{"id":${id},"open":${is?.toLowerCase() || null}}\n`);
  const ndjson = file("open.ndjson", json.join(""));
  const asked: ReadonlyArray<readonly [query: string, ids: string]> = [
    ["open", "1 3"],
    ["open = true", "1 3"],
    ["open = 'TRUE' and open <> 'false'", "1 3"],
    ["not open", "2"],
    ["open is not true", "2 4"],
    ["open is not false", "1 3 4"],
    ["open is null", "4"],
    ["open in (false)", "2"],
    ["open > false", "1 3"],
    ["lower(open) = 'true'", "1 3"],
    ["cast(open as double) = 1", "1 3"],
    ["cast(id as boolean) and cast('True' as boolean)", "1 2 3 4"],
    ["case when open then id > 1 else id = 2 end", "2 3"],
    ["case open when true then true end", "1 3"],
  ];
  for (const from of [open, ndjson]) {
    for (const [test, ids] of asked) {
      const [, ...found] = await linesOf(`select id from ${from} where ${test} order by 1`);
      assert.equal(found.join(" "), ids, `${from}: ${test}`);
    }
    const groups = `select open, count(*) as n from ${from} group by 1 order by 1`;
    assert.deepEqual(await linesOf(groups), ["open,n", "false,1", "true,2", ",1"]);
    const all = `select max(open) as a, min(open) as b, sum(open) as c, count(distinct open) as d`;
    assert.deepEqual(await linesOf(`${all} from ${from}`), ["a,b,c,d", "true,false,2,2"]);
  }
});

test("a column with other texts, too, is one of texts, and the error names the text", async () => {
  const all = await linesOf(`select mixed, mixed = '5' as is5 from ${open}`);
  assert.deepEqual(all, ["mixed,is5", "true,false", "5,true", ",", "no,false"]);
  for (const test of ["mixed = true", "true = mixed"]) {
    await assert.rejects(linesOf(`select id from ${open} where ${test}`), {
      message:
        /"5" is neither true nor false, and is compared with true on the record at .*open\.csv:26/,
    });
  }
  await assert.rejects(linesOf(`select id from ${open} where mixed`), {
    message: /"5" is neither true nor false on the record at .*open\.csv:26/,
  });
  const mixed = file("mixed.ndjson", '{"v":true}\n{"v":5}\n{"v":"x"}\n');
  await assert.rejects(linesOf(`select v from ${mixed} where v = true`), {
    message: /true is no number, and is compared with 5 on the record at .*mixed\.ndjson:11/,
  });
  await assert.rejects(linesOf(`select v from ${mixed} where v = 'true' or v = 'x'`), {
    message: /"x" is neither true nor false, and is compared with true on .*mixed\.ndjson:0/,
  });
  const late = file("late.csv", `b\n${"true\n".repeat(220_000)}unknown\n`);
  await assert.rejects(linesOf(`select count(*) as n from ${late} where b`), {
    message: /"unknown" is neither true nor false on the record at .*late\.csv:1100002/,
  });
});

test("numbers may have any zeros in their exponents, and what is none says why", async () => {
  const from = file("powers.csv", "n\n1e00005\n25e-0000001\n");
  const json = file("powers.ndjson", '{"n":1e00005}\n{"n":25e-0000001}\n');
  for (const one of [from, json]) {
    const sum = `select sum(n) as a, sum(n + 1) as b from ${one} where n > 1`;
    assert.deepEqual(await linesOf(sum), ["a,b", "100002.5,100004.5"]);
  }
  const pairs = await allWays(text.csv(["n"]).sum("n"), ["n\n1e00005\n25e-0000001\n"]);
  assert.deepEqual(pairs.judge.parts, ['{"key":null,"value":100002.5}\n']);
  assert.deepEqual([pairs.kernels, pairs.functions], [pairs.judge, pairs.judge]);
  const far = file("far.csv", "n\n1e-99999\n");
  const least = /"1e-99999" is beyond what numbers are: up to ±1\.8e308, with exponents down to/;
  await assert.rejects(linesOf(`select n from ${far} where n > 1`), { message: least });
  const summed = /"n" is "1e-99999", which is beyond what is added and compared: up to ±1\.8e308/;
  await assert.rejects(linesOf(`select sum(n) from ${far}`), { message: summed });
  const farJson = file("far.ndjson", '{"n":1e-99999}\n');
  await assert.rejects(linesOf(`select n from ${farJson}`), { message: /1e-99999 is beyond what/ });
});

test("names mean the same columns in letters of any case", async () => {
  const from = file("names.csv", "City,KEY 0,n\nx,1,3\nx,1,4\n");
  const asked: ReadonlyArray<readonly [query: string, lines: readonly string[]]> = [
    [`select "CITY", sum(n) as s from ${from} group by "city"`, ["City,s", "x,7"]],
    [`select "Key 0", max(N) as s from ${from} group by "key 0"`, ["KEY 0,s", "1,4"]],
    [`select t.City from ${from} t group by "CITY" order by t."cITY"`, ["City", "x"]],
    [`select n as "Foo" from ${from} order by "FOO" desc`, ["Foo", "4", "3"]],
    [
      `select n + 1 as "Up", count(*) as c from ${from} group by "UP" having "uP" > 4`,
      ["Up,c", "5,1"],
    ],
    [`select upper("city") as u from ${from} group by upper("CITY")`, ["u", "X"]],
  ];
  for (const [query, lines] of asked) assert.deepEqual(await linesOf(query), lines, query);
  const nested = file("ids.ndjson", '{"a":{"id":1},"b":{"id":10}}\n');
  const sums = `select sum("a".id) as x, sum("b".id) as y, max("a".id) as z from ${nested}`;
  assert.deepEqual(await linesOf(sums), ["x,y,z", "1,10,1"]);
});

test("of columns that differ in their case each is meant as it is written", async () => {
  const from = file("cases.csv", "a,A,v\n1,2,5\n3,4,6\n");
  const asked: ReadonlyArray<readonly [query: string, lines: readonly string[]]> = [
    [`select sum(A) as s from ${from}`, ["s", "6"]],
    [`select sum(a) as s from ${from}`, ["s", "4"]],
    [`select v from ${from} where A = 2`, ["v", "5"]],
    [`select "A", "a" from ${from}`, ["A,a", "2,1", "4,3"]],
    [`select sum("a") as s from ${from} where "A" > 2`, ["s", "3"]],
  ];
  for (const [query, lines] of asked) assert.deepEqual(await linesOf(query), lines, query);
  const stars = [`select * from ${from} where "A" = 2`, ["a,A,v", "1,2,5"]] as const;
  assert.deepEqual(await linesOf(stars[0]), stars[1]);
  const unsure = `select * from ${from} where A = 2`;
  await assert.rejects(linesOf(unsure), { message: /may mean several columns/ });
  const both = `select sum(a) as x, sum(A) as y from ${from}`;
  await assert.rejects(linesOf(both), { message: /may mean several columns; write "a" or "A"/ });
  const ids = file("cases2.csv", "Id,ID,v\n1,2,5\n");
  assert.deepEqual(await linesOf(`select Id, v from ${ids}`), ["Id,v", "1,5"]);
  await assert.rejects(linesOf(`select id from ${ids}`), { message: /write "Id" or "ID"/ });
  const paths = file("cases.ndjson", '{"o":{"x":1},"O":{"x":2}}\n');
  assert.deepEqual(await linesOf(`select sum(O.x) as s from ${paths}`), ["s", "2"]);
});

test("a column may be named user, and names of the result are known in WHERE", async () => {
  const from = file("users.ndjson", '{"user":"Ana","n":1}\n{"user":"Bo","n":2}\n');
  const asked: ReadonlyArray<readonly [query: string, lines: readonly string[]]> = [
    [`select user, n from ${from} where user = 'Bo' order by user`, ["user,n", "Bo,2"]],
    [
      `select user, sum(n) as s from ${from} group by user having user like 'A%'`,
      ["user,s", "Ana,1"],
    ],
    [
      `select n * 2 as double, user u from ${from} where double > 3 and U ilike 'b_'`,
      ["double,u", "4,Bo"],
    ],
    [`select n + 1 as n from ${from} where n = 1`, ["n", "2"]],
    [`select user from ${from} where user not ilike 'A%'`, ["user", "Bo"]],
  ];
  for (const [query, lines] of asked) assert.deepEqual(await linesOf(query), lines, query);
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

const refused: ReadonlyArray<readonly [query: string, problem: RegExp]> = [
  [`select a from ${csv} join 'b.csv' on a = b`, /a second file is not supported; a join/],
  [`select row_number() over () from ${csv}`, /a window is not supported/],
  [`select stddev(n) from ${csv}`, /the function stddev is not supported; write sum\(x \* x\)/],
  [`select n, first(City) from ${csv} group by n`, /first is not supported; by\(…\)\.topK\(1/],
  [`select lpad(n) from ${csv}`, /the function lpad is not supported; there are abs, .* count/],
  [`select n from ${csv} where n > (select 1 from 'b.csv')`, /a query within a query .*save the/],
  [`select n from ${csv} union all select n from 'b.csv'`, /UNION of files .*by one glob/],
  [`with a as (select n from ${csv}) select n from a`, /WITH is not supported; save the first as/],
  [`select n from (select n from ${csv}) t`, /a query in FROM is not supported; save the first/],
  [`select City, sum(n) from ${csv} group by all`, /GROUP BY ALL is not supported: name the/],
  [`select * exclude (n) from ${csv}`, /EXCLUDE and .* are not supported: name the columns/],
  [`select n from ${csv} where zip > current_date`, /current_date is not supported; write the/],
  [`select n + 1 as m from ${csv} where m + k > 1`, /no column "k"; there are: City/],
  [`select m + 1 as m from ${csv}`, /no column "m"; there are: City/],
  [`select sum(n) as s from ${csv} where s > 1`, /sum\(n\) is an aggregate/],
  [`select n from ${csv} where n in (select 1)`, /IN with a query is not supported/],
  [`select distinct on (n) n from ${csv}`, /DISTINCT ON is not supported/],
  [`select cast(n as int) from ${csv}`, /a cast to int is not supported; there are double/],
  [`select n from ${csv} union select 1`, /UNION is not supported; ask both by one glob/],
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
  [
    `select n from ${csv} where n = (City = 'x')`,
    /city = 'x' beside = is no number, and n is one/i,
  ],
  [`select n from ${csv} where n`, /n is a number, and WHERE needs .*; write \(n\) <> 0/],
  [`select n from ${csv} where not (n + 1)`, /n \+ 1 is a number, and NOT needs what is true/],
  [`select n from ${csv} where n > 1 and 'x'`, /'x' is neither true nor false, and AND needs/],
  [`select City from ${csv} group by 1 having max(n)`, /max\(n\) is a number, and HAVING needs/],
  [`select id from ${open} where open = 'x'`, /'x' beside = is neither true nor false, and open/],
  [`select avg(open) from ${open}`, /avg of what is true or false; write avg\(cast\(/],
  [`select n frm ${csv}`, /cannot be read at line 1, column/],
  ["select n from sales/x.csv", /cannot be read .*; files are in quotes: FROM 'sales/],
  [`select count(*) as n from ${csv} having count(*) > 1`, /HAVING needs GROUP BY/],
  ["select 1", /give the files to read/],
  [`select a from ${file("f.xlsx", "x")}`, /what .*f.xlsx is cannot be seen by its name/],
];

test("what is not supported is refused by its name", async () => {
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
