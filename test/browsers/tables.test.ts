/** Tables in a tab of a real Chromium: CSV, Parquet and Arrow are read, asked and sorted there as
 *  the judge does it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { options, sharedChromium } from "./chromium.ts";
import { hasDone, isJoined, joinIn, startCluster } from "./cluster.ts";

const chromium = sharedChromium();

const rows = Array.from({ length: 900 }, (_, i) => {
  const city = i % 90 === 7 ? '"Mérida, ""Y"""' : `city ${(i * 7) % 5}`;
  const price = i % 50 === 3 ? "" : i % 60 === 4 ? "1e3" : `${(i * 37) % 100}.${i % 10}`;
  return `${city},${price},2024-0${1 + (i % 9)}-1${i % 10}`;
});

const asked =
  "select city, month(day) as m, count(*) as n, sum(price) as s, max(price) as most, " +
  "count(distinct price) as prices from 'rows.$' where price > 10 and city like 'c%' " +
  "group by city, m order by s desc, city, m";

const jobs: { readonly [name: string]: string } = {
  "grouped.ts": `import { avg, countDistinct, sum, text } from "tequio";
export default text.csv(["city", "price", "day"])
  .where((row) => row.price.gt(5))
  .by("city")
  .aggregate({ total: sum("price"), mean: avg("price"), days: countDistinct("day") });
`,
  "sorted.ts": `import { text } from "tequio";
export default text.csv(["city", "price", "day"])
  .sort({ by: ["price", "city"], numeric: true, output: "csv" });
`,
  "pairs.ts": `import { text } from "tequio";
export default text.csv(["city", "price"]).by("city").sum("price");
`,
};

test("a tab answers questions to CSV, Parquet and Arrow as the judge does", options, async (t) => {
  const { link, place } = await startCluster(t, "--workers", "0");
  place.write("rows.csv", `city,price,day\n${rows.join("\n")}\n`);
  for (const [name, code] of Object.entries(jobs)) place.write(name, code);
  for (const format of ["parquet", "arrow"]) {
    const query = "select city, price, day from 'rows.csv'";
    const made = await place.run("sql", "--sequential", query, "-o", `rows.${format}`);
    assert.equal(made.code, 0, made.err);
  }
  const tab = await joinIn(await chromium.newContext(t), link);
  await isJoined(tab);
  const asks = [
    ...Object.keys(jobs).flatMap((name) => [
      ["run", name, "rows.csv", "-o", "-", "--split-bytes", "4K"],
      ["run", name, "rows.csv", "-o", "-"],
    ]),
    ...["csv", "parquet", "arrow"].map((format) => ["sql", asked.replace("$", format)]),
  ];
  for (const ask of asks) {
    const judged = await place.run(...ask, "--sequential");
    assert.equal(judged.code, 0, judged.err);
    const ran = await place.run(...ask);
    assert.equal(ran.code, 0, ran.err);
    assert.equal(ran.out, judged.out, ask.join(" "));
    assert.ok(ran.out.length > 50);
  }
  await hasDone(tab);
});
