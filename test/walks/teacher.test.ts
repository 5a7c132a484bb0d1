/** The walk of a teacher: a cluster at a terminal, its link opened by four phones in the dark, a
 *  job that all of them compute, one of them closed meanwhile. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { buildWeb } from "../../scripts/web/build-web.ts";
import { options, sharedChromium } from "../browsers/chromium.ts";
import { hasDone } from "../browsers/cluster.ts";
import { Place } from "../fixtures/place.ts";
import { fits, violations } from "../web/screens.ts";
import { atTerminal, skip } from "./terminal.ts";

const chromium = sharedChromium();
const phone = { viewport: { width: 390, height: 844 }, colorScheme: "dark" } as const;
const job = `import { tasks } from "tequio";
export default tasks({ name: "class", clock: "real",
  items: Array.from({ length: 160 }, (_, n) => n),
  run: (n) => { for (const until = Date.now() + 50; Date.now() < until; ); return n; } });
`;

test("four phones follow a link and compute, and one leaves", {
  ...options,
  skip: options.skip === false ? skip : options.skip,
}, async (t) => {
  await buildWeb();
  const place = new Place(t, { "job.ts": job });
  const up = atTerminal(place, ["up", "--workers", "0", "--listen", "127.0.0.1:0"]);
  const greeting = await up.shows("run a job");
  const [, link] = /browsers +(http\S+\/j#[0-9a-z-]+)/.exec(greeting) ?? [];
  assert.ok(link !== undefined, greeting);

  const tabs = await Promise.all(
    Array.from({ length: 4 }, async (_, number) => {
      const page = await (await chromium.newContext(t, phone)).newPage();
      await page.goto(link);
      await page.fill("#own-name", `Pupil ${number + 1}`);
      await page.click("#join");
      await page.waitForSelector('[data-phase="joined"]');
      return page;
    }),
  );
  const run = place.run("run", "job.ts", "-o", "-");
  for (const page of tabs) await hasDone(page);
  assert.deepEqual(await violations(tabs[0]!), []);
  await fits(tabs[0]!);
  await tabs[3]!.close();
  const { code, err, out } = await run;
  assert.equal(code, 0, err);
  assert.deepEqual(
    out.trim().split("\n").map(Number),
    Array.from({ length: 160 }, (_, n) => n),
  );
  const workers = await place.run("workers", "--all");
  for (const name of ["Pupil 1", "Pupil 4"]) assert.match(workers.out, new RegExp(name));
});
