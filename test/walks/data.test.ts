/** The walk of someone with logs: asks them by SQL at a terminal, keeps a part as Parquet, and asks
 *  that. No cluster: `--local`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Place } from "../fixtures/place.ts";
import { atTerminal, plain, skip } from "./terminal.ts";

const statuses = [200, 200, 200, 404, 500];
const line = (_: unknown, i: number) =>
  JSON.stringify({ path: `/p${i % 9}`, status: statuses[i % 5], ms: (i * 37) % 1_000 });
const logs = Array.from({ length: 2_000 }, line);

test("logs are asked, kept as Parquet, and asked again", { skip, timeout: 120_000 }, async (t) => {
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
