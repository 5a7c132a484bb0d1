/** `tequio sql`, and job files of tables, as people run them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Place } from "../fixtures/place.ts";

const sales = "city,price\nPuebla,7\nOaxaca,10.5\nOaxaca,0.1\n";

test("sql prints its answer, saves it, or explains itself", async (t) => {
  const place = new Place(t, { "sales.csv": sales });
  const query = "select city, sum(price) as total from 'sales.csv' group by city order by total";
  const printed = await place.run("sql", "--sequential", query);
  assert.equal(printed.code, 0, printed.err);
  assert.equal(printed.out, "city,total\nPuebla,7\nOaxaca,10.6\n");
  const saved = await place.run(
    "sql",
    "--local",
    query,
    "--merge",
    "a.ndjson",
    "--format",
    "ndjson",
  );
  assert.equal(saved.code, 0, saved.err);
  const rows = ['{"city":"Puebla","total":7}', '{"city":"Oaxaca","total":10.6}'];
  assert.equal(place.read("a.ndjson"), `${rows.join("\n")}\n`);
  const explained = await place.run("sql", "--explain", query);
  assert.match(explained.out, /^map, 1 task: read city, price\n/);
  assert.equal((await place.run("sql", `EXPLAIN ${query}`)).out, explained.out);
  const refused = await place.run("sql", "--local", "select x from 'sales.csv'");
  assert.equal(refused.code, 2);
  assert.match(refused.err, /no column "x"; there are: city, price/);
});

test("a method that does not exist is answered by those that do", async (t) => {
  const place = new Place(t, {
    "job.ts": 'import { text } from "tequio";\nexport default text.csv(["a"]).by("a").summ("a");\n',
  });
  const { code, err } = await place.run("run", "--sequential", "job.ts", "none.csv");
  assert.notEqual(code, 0);
  assert.match(err, /summ is not a function; Did you mean "sum"\? .*tables have .*where/s);
});
