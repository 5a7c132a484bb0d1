/** The walk of someone with logs: asks them by SQL at a terminal, keeps a part as Parquet, and asks
 *  that; then on a cluster, whose page shows the answer. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { buildWeb } from "../../scripts/web/build-web.ts";
import { testMaxMs } from "../../src/store/testing/patience.ts";
import { options, sharedChromium } from "../browsers/chromium.ts";
import { Place } from "../fixtures/place.ts";
import { fits, openScreen, violations } from "../web/screens.ts";
import { looksAsBefore } from "./looks.ts";
import { atTerminal, ctrlC, dashboardOf, plain, skip, upAtTerminal } from "./terminal.ts";

const chromium = sharedChromium();

const statuses = [200, 200, 200, 404, 500];
const line = (_: unknown, i: number) =>
  JSON.stringify({ path: `/p${i % 9}`, status: statuses[i % 5], ms: (i * 37) % 1_000 });
const logs = Array.from({ length: 2_000 }, line);

test("logs are asked, kept as Parquet, and asked again", {
  skip,
  timeout: testMaxMs,
}, async (t) => {
  const place = new Place(t, {
    "logs/a.ndjson": `${logs.slice(0, 1_000).join("\n")}\n`,
    "logs/b.ndjson": `${logs.slice(1_000).join("\n")}\n`,
  });
  const ask = async (query: string, ...more: string[]) => {
    const { code, out } = await atTerminal(place, ["sql", "--local", query, ...more]).running.ended;
    return { code, shown: plain(out).replaceAll("\r\n", "\n") };
  };
  const from = (files: string) => `from '${files}'`;
  const where = "where status >= 400 group by path order by n desc limit 2";
  const first = await ask(
    `select path, count(*) as n ${from("logs/*.ndjson")} ${where}`,
    "-o",
    "-",
  );
  assert.equal(first.code, 0, first.shown);
  assert.match(first.shown, /path,n\n\/p\d,\d+\n\/p\d,\d+\n/);
  assert.match(first.shown, /map +█+ +1\/1 tasks/, "the bars end whole");
  assert.match(first.shown, /sql done in .*: 2 records/);

  const slow = `select path, status, ms ${from("logs/*.ndjson")} where ms > 900`;
  const kept = await ask(slow, "-o", "slow.parquet");
  assert.match(kept.shown, /result: slow\.parquet/);
  const again = await ask(slow, "-o", "slow.parquet");
  assert.equal(again.code, 2, "a result is not replaced unasked");
  assert.match(again.shown, /slow\.parquet exists; choose another, or replace it with --overwrite/);

  const counts = `select status, count(*) as n ${from("slow.parquet")} group by status order by 1`;
  const last = await ask(counts, "-o", "-");
  assert.match(last.shown, /status,n\n200,118\n404,40\n500,40\n/);
  const wrong = await ask(counts.replace("slow.parquet", "slow.parkett"));
  assert.equal(wrong.code, 2);
  assert.match(wrong.shown, /must end with \.csv, .* \.parquet/);
});

test("an answer of a cluster is a table and a chart on its page", {
  ...options,
  skip: skip || options.skip,
}, async (t) => {
  await buildWeb();
  const place = new Place(t, { "logs/a.ndjson": `${logs.join("\n")}\n` });
  const { up, shown } = await upAtTerminal(place, "--workers", "1");
  const query =
    "select status, count(*) as n from 'logs/*.ndjson' group by status order by n desc limit 3";
  const { code, out } = await atTerminal(place, ["sql", query, "-o", "-"]).running.ended;
  assert.equal(code, 0, plain(out));
  assert.match(plain(out), /status,n\r\n200,1200\r\n/);

  const { errors, page } = await openScreen(await chromium.browser(), dashboardOf(shown));
  t.after(() => page.context().close());
  await page.click('a[href="/jobs/j-1"]');
  await page.waitForSelector(".chip.done");
  const cell = page.locator("td >> text=1200 >> visible=true").first();
  await cell.waitFor();
  assert.deepEqual(await violations(page), []);
  await fits(page);
  await cell.scrollIntoViewIfNeeded();
  await looksAsBefore(page, "answer");
  assert.deepEqual(errors, []);
  up.press(ctrlC);
  assert.equal((await up.running.ended).code, 0);
});
