/** The walk of a student with a sweep: tries it, moves it to a cluster, leaves it, looks at it on a
 *  phone in the dark, and takes the result. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { buildWeb } from "../../scripts/web/build-web.ts";
import { options, sharedChromium } from "../browsers/chromium.ts";
import { Place } from "../fixtures/place.ts";
import { fits, openScreen, violations } from "../web/screens.ts";
import { looksAsBefore } from "./looks.ts";
import { atTerminal, ctrlC, dashboardOf, plain, skip, upAtTerminal } from "./terminal.ts";

const chromium = sharedChromium();
const sweep = `import { tasks } from "tequio";

export default tasks({
  name: "sweep",
  params: { count: 300, ms: 0 },
  items: ({ count }) => Array.from({ length: count }, (_, i) => ({ x: i / 100 })),
  async run({ x }, { params }) {
    await new Promise((resolve) => setTimeout(resolve, params.ms));
    return { y: Math.sin(x) * Math.exp(-x / 20) };
  },
  output: "csv",
});
`;

test("a sweep is tried, moved to a cluster, left, followed and looked at", {
  ...options,
  skip: skip || options.skip,
}, async (t) => {
  await buildWeb();
  const place = new Place(t, { "sweep.ts": sweep });
  const tried = atTerminal(place, ["run", "--local", "sweep.ts", "--param", "count=3", "-o", "-"]);
  const { code, out } = await tried.running.ended;
  assert.equal(code, 0, plain(out));
  assert.match(plain(out), /x,y\r\n0,0\r\n0\.01,0\.00999/);

  const { up, shown } = await upAtTerminal(place, "--workers", "1");
  const run = atTerminal(place, ["run", "sweep.ts", "--param", "ms=20", "-o", "result.csv"]);
  await run.shows("j-1 is submitted");
  await run.shows("/300 tasks");
  run.press(ctrlC);
  await run.shows("[d]etach (the job goes on)");
  run.press("d");
  await run.shows("follow it again with: tequio attach j-1");
  await run.running.ended;

  const look = { width: 360, height: 740, dark: true };
  const { errors, page } = await openScreen(await chromium.browser(), dashboardOf(shown), look);
  t.after(() => page.context().close());
  await page.click('a[href="/jobs/j-1"]');
  const followed = atTerminal(place, ["attach", "j-1", "-o", "result.csv"]);
  const end = await followed.running.ended;
  assert.equal(end.code, 0, plain(end.out));
  assert.match(plain(end.out), /300\/300 tasks.*result: result\.csv/s);
  assert.equal(place.read("result.csv").trim().split("\n").length, 301);
  await page.waitForSelector(".chip.done");
  await page.waitForSelector("td >> text=0.00999 >> visible=true");
  assert.deepEqual(await violations(page), []);
  await fits(page);
  await looksAsBefore(page, "sweep-phone-dark");
  assert.deepEqual(errors, []);
  up.press(ctrlC);
  assert.equal((await up.running.ended).code, 0);
});
