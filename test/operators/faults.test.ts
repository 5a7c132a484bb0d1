/** Inputs that are easily read wrong: each must give the right value, or an error that says what to
 *  do, by the judge, the kernels and the plain functions alike. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { csv, text } from "../../src/index.ts";
import type { AnyOperator, Job } from "../../src/sdk/job.ts";
import { allWays } from "./run.ts";

type Content = ReadonlyArray<string | Uint8Array>;

/** The lines of the result, after all ways have agreed. */
async function linesOf(
  job: Job,
  contents: Content,
  options: Parameters<typeof allWays>[2] = {},
): Promise<string[]> {
  return (await resultOf(job, contents, options)).lines;
}

async function resultOf(
  job: Job,
  contents: Content,
  options: Parameters<typeof allWays>[2] = {},
): Promise<{ readonly lines: string[]; readonly bad: string[] }> {
  const { judge, kernels, functions } = await allWays(job, contents, options);
  assert.deepEqual(kernels, judge);
  // What follows pairs has no plain functions.
  if ((job as AnyOperator).operator.last === null) assert.deepEqual(functions, judge);
  const whole = Buffer.from(judge.parts.join(""), "latin1").toString();
  return { lines: whole.split("\n").slice(0, -1), bad: judge.bad.split("\n").slice(0, -1) };
}

const ids = ["9007199254740992", "9007199254740993", "9007199254740994", "9007199254740995"];
const idRows = ids.map((id) => `{"id":${id},"n":0.1234567890123456789}\n`).join("");

test("numbers of JSON keep their digits in keys, sums, sorts and distinct records", async () => {
  const source = text.json(["id", "n"]);
  assert.deepEqual(
    await linesOf(source.by("id").count(), [idRows, idRows]),
    ids.map((id) => `{"key":${id},"value":2}`),
  );
  assert.deepEqual(await linesOf(source.by("n").sum("id"), [idRows]), [
    '{"key":0.1234567890123456789,"value":36028797018963974}',
  ]);
  assert.deepEqual(await linesOf(source.sum("n"), [idRows]), [
    '{"key":null,"value":0.4938271560493827156}',
  ]);
  assert.deepEqual(await linesOf(source.max("id"), [idRows]), [
    '{"key":null,"value":9007199254740995}',
  ]);
  const sorted = await linesOf(source.sort({ by: "id", order: "descending" }), [idRows]);
  assert.deepEqual(sorted, idRows.trim().split("\n").toReversed());
  assert.equal((await linesOf(source.distinct({ by: "id" }), [idRows, idRows])).length, 4);
  assert.equal((await linesOf(source.distinct({ by: "n" }), [idRows, idRows])).length, 1);
  assert.deepEqual(await linesOf(source.by("id").count().topK(1), [idRows, `{"id":${ids[1]}}`]), [
    `{"key":${ids[1]},"value":2}`,
  ]);
});

test("a number beyond all doubles is a bad record", async () => {
  const rows = '{"n":1e400}\n{"n":2}\n{"n":-1e400}\n';
  await assert.rejects(
    allWays(text.json(["n"]).sum("n"), [rows]),
    /1e400 is beyond what numbers are/,
  );
  const kept = text.json(["n"]).by("n").count({ badRecords: "keep" });
  const { lines, bad } = await resultOf(kept, [rows]);
  assert.deepEqual(lines, ['{"key":2,"value":1}']);
  assert.equal(bad.length, 2);
});

test("numbers beyond all doubles are sorted by what they are", async () => {
  const numbers = ["1e400", "5", "-1e400", "x", "-1e401", "2e400", "1e309", "-3"];
  const job = text.lines().sort({ numeric: true });
  const sorted = ["x", "-1e401", "-1e400", "-3", "5", "1e309", "1e400", "2e400"];
  assert.deepEqual(await linesOf(job, [`${numbers.join("\n")}\n`]), sorted);
});

test("columns named by whole numbers keep their places", async () => {
  const rows = "2020,1999,a\nx,y,z\n";
  const source = text.csv(["2020", "a", "1999"]);
  assert.deepEqual(await linesOf(source.sort({ output: "csv" }), [rows]), ["2020,a,1999", "x,z,y"]);
  assert.deepEqual(await linesOf(source.distinct(), [rows]), ['{"2020":"x","a":"z","1999":"y"}']);
});

test("only the columns that are asked for need a name of their own", async () => {
  const job = text.csv(["a"]).count();
  const expected = ['{"key":"1","value":1}'];
  assert.deepEqual(await linesOf(job, ["a,,\n1,2,3\n"]), expected);
  assert.deepEqual(await linesOf(job, ["a,b,b,__proto__\n1,2,3,4\n"]), expected);
  await assert.rejects(allWays(job, ["a,a\n1,2\n"]), /two columns "a"/);
});

test("a long header names the columns of all splits", async () => {
  const names = Array.from({ length: 12_000 }, (_, i) => `column-${i}`);
  const rows = Array.from({ length: 4 }, (_, i) => names.map(() => i).join(","));
  const content = `${[names.join(","), ...rows].join("\n")}\n`;
  const job = text.csv(["column-7", "column-11999"]).count();
  const counted = [0, 1, 2, 3].map((i) => `{"key":["${i}","${i}"],"value":1}`);
  assert.deepEqual(await linesOf(job, [content], { splitBytes: 40_000 }), counted);
});

test("lines may end with returns alone, in files of any size", async () => {
  const job = text.csv(["a"]).by("a").count();
  const expected = ['{"key":"1","value":1}', '{"key":"3","value":1}'];
  assert.deepEqual(await linesOf(job, ["a,b\r1,2\r3,4\r"]), expected);
  assert.deepEqual(await linesOf(job, ["a,b\r1,2\r3,4"], { splitBytes: 3 }), expected);
  const header = `a,${"b".repeat(700)}`;
  assert.deepEqual(await linesOf(job, [`${header}\r1,2\r3,4\r`]), expected);
  const mixed = `a,b\r${"1,2\r".repeat(80_000)}3,4\n`;
  await assert.rejects(allWays(job, [mixed]), /\\r alone/);
});

test("a stray quote costs one row", async () => {
  const rows = ["k,v", 'a,5" pipe', 'b,"two', 'lines"', 'c,"open', "d,1", 'e,"x"y', "f,2"];
  const source = text.csv(["k", "v"], { multiline: true });
  const { lines, bad } = await resultOf(source.by("k").count({ badRecords: "keep" }), [
    `${rows.join("\n")}\n`,
  ]);
  const keys = ["b", "d", "f"];
  assert.deepEqual(
    lines,
    keys.map((key) => `{"key":"${key}","value":1}`),
  );
  assert.equal(bad.length, 3);
});

test("a JSON array is read as its elements, however it is laid out", async () => {
  const job = text.json(["a"]).by("a").count();
  const expected = ['{"key":"x]\\"","value":1}', '{"key":"y","value":1}'];
  const [x, y] = ['{"a":"x]\\"","b":[1,{"c":2}]}', '{"a":"y"}'];
  const layouts = [`[${x},${y}]`, `[\n  ${x},\n  ${y}\n]\n`, `\ufeff [ ${x}\n,\n${y} ] \n\n`];
  for (const content of layouts) {
    assert.deepEqual(await linesOf(job, [content]), expected);
    assert.deepEqual(await linesOf(job, [content], { splitBytes: 5 }), expected);
  }
  assert.deepEqual(await linesOf(job, ["[]"]), []);
  const lists = text.json(["0"]).count();
  assert.deepEqual(await linesOf(lists, ['["x",1]\n["y",2]\n']), [
    '{"key":"x","value":1}',
    '{"key":"y","value":1}',
  ]);
  const kept = text.json(["a"]).by("a").count({ badRecords: "keep" });
  for (const wrong of [`[${x},,${y}]`, `[${x},${y}`, `[${x},${y}] x`, `[${x}, {"a" ,${y}]`]) {
    assert.equal((await resultOf(kept, [wrong])).bad.length, 1);
  }
});

test("cells and rows of millions of characters are sorted", async () => {
  const long = "é".repeat(1_500_000);
  const rows = `a,b\n2,${long}\n1,"x\ny"\n`;
  const job = text.csv(["b", "a"], { multiline: true }).sort();
  const lines = await linesOf(job, [rows]);
  assert.deepEqual(
    lines.map((line) => line.length),
    ['{"b":"x\\ny","a":"1"}'.length, long.length + '{"b":"","a":"2"}'.length],
  );
});

test("lines are equal whatever their ends are", async () => {
  const lines = ["b\r\na\nb\na\r\nc\r", "c\r\n\r\n\nc\r"];
  assert.deepEqual(await linesOf(text.lines().distinct(), lines), ["", "a", "b", "c", "c\r"]);
  assert.deepEqual(await linesOf(text.lines().distinct(), lines, { splitBytes: 3 }), [
    "",
    "a",
    "b",
    "c",
    "c\r",
  ]);
});

test("nothing is counted as 0", async () => {
  const zero = ['{"key":null,"value":0}'];
  assert.deepEqual(await linesOf(text.csv(["a"]).by().count(), ["a\n"]), zero);
  assert.deepEqual(await linesOf(text.lines().by().count(), [""]), zero);
  assert.deepEqual(await linesOf(text.csv(["a"]).by("a").count(), ["a\n"]), []);
});

test("text that is not UTF-8 is refused, kept aside, or read by its encoding", async () => {
  const latin1 = Buffer.from("k,v\nM\xe9xico,1\nM\xe8xico,2\nOaxaca,3\n", "latin1");
  const refused = /input-0:4: its bytes are not UTF-8; .*encoding: "latin1"/;
  await assert.rejects(allWays(text.csv(["k"]).count(), [latin1]), refused);
  const { lines, bad } = await resultOf(text.csv(["k"]).count({ badRecords: "keep" }), [latin1]);
  assert.deepEqual(lines, ['{"key":"Oaxaca","value":1}']);
  assert.equal(bad.length, 2);
  const read = text.csv(["k", "v"], { encoding: "latin1" });
  const three = ["Mèxico", "México", "Oaxaca"];
  const counted = three.map((key) => `{"key":"${key}","value":1}`);
  assert.deepEqual(await linesOf(read.by("k").count(), [latin1], { splitBytes: 5 }), counted);
  const euro = Buffer.from("\x80 \x93\n", "latin1");
  const windows = text.lines({ encoding: "windows-1252" });
  assert.deepEqual(await linesOf(windows.sort(), [euro]), ["€ “"]);
  const words = Buffer.from("caf\xe9 caf\xe8\n", "latin1");
  await assert.rejects(
    allWays(text.words().count(), [words]),
    /input-0:0: its bytes are not UTF-8/,
  );
  assert.deepEqual(await linesOf(text.words({ encoding: "utf-8-lossy" }).count(), [words]), [
    '{"key":"caf","value":2}',
  ]);
  assert.throws(() => text.lines({ encoding: "koi8" as never }), /no encoding "koi8"; there are/);
});

test("an option that a source does not have is refused, with those that it has", () => {
  const wrong = { as: ["city", "price"] } as never;
  assert.throws(
    () => text.match(/(\w+) (\d+)/, wrong),
    /match: unknown option "as"; known are encoding; groups get names by text.match\(.*\["name"/,
  );
  assert.throws(() => text.match(/(\w+)/, ["word"], wrong), /"as"; known are encoding$/);
  assert.throws(() => text.words(wrong), /words: unknown option "as"; known are encoding, lowerc/);
  for (const make of [() => text.csv(["city"], wrong), () => text.json(["city"], wrong)]) {
    assert.throws(make, /unknown option "as"; known are /);
  }
  for (const format of [text.lines, csv]) assert.throws(() => format(wrong), /unknown option "as"/);
});
