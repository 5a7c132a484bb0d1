/** The walk of a teacher: a code on the projector, phones that follow it, a job that they compute,
 *  and tabs that are closed without notice. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { buildWeb } from "../../scripts/web/build-web.ts";
import { options, sharedChromium } from "../browsers/chromium.ts";
import { Place } from "../fixtures/place.ts";
import { fits, openScreen, violations } from "../web/screens.ts";
import { looksAsBefore } from "./looks.ts";
import { atTerminal, ctrlC, dashboardOf, plain, skip, upAtTerminal } from "./terminal.ts";

const chromium = sharedChromium();
const pi = `import { tasks } from "tequio";

export default tasks({
  name: "pi of the class",
  params: { seeds: 400 },
  items: ({ seeds }) => Array.from({ length: seeds }, (_, seed) => seed),
  async run(seed) {
    await new Promise((resolve) => setTimeout(resolve, 25));
    return { seed };
  },
});
`;

test("a class follows a code, computes a job, and leaves", {
  ...options,
  skip: skip || options.skip,
}, async (t) => {
  await buildWeb();
  const place = new Place(t, { "pi.ts": pi });
  const { up, shown } = await upAtTerminal(place, "--workers", "1");
  const browser = await chromium.browser();
  const projector = await openScreen(browser, dashboardOf(shown), { height: 760 });
  t.after(() => projector.page.context().close());
  await projector.page.click('a[href="/workers"]');
  await projector.page.click("button.main");
  await projector.page.click("#full-screen");
  const link = (await projector.page.textContent(".large-link .link"))!;
  await projector.page.waitForSelector("#came >> text=0");
  assert.deepEqual(await violations(projector.page), []);
  await looksAsBefore(projector.page, "class-projector");

  const phones = [];
  for (const name of ["Ana", "Eva"]) {
    const phone = await openScreen(browser, link, { width: 360, height: 740, dark: true });
    t.after(() => phone.page.context().close());
    await phone.page.fill("#own-name", name);
    if (name === "Ana") await looksAsBefore(phone.page, "class-phone-before");
    await phone.page.click("#join");
    phones.push(phone);
  }
  await projector.page.waitForSelector("#came >> text=2");
  const run = atTerminal(place, ["run", "pi.ts", "--share", "volunteers", "-o", "pi.ndjson"]);
  await phones[0]!.page.waitForSelector("h1 >> text=Thank you, Ana!");
  await phones[0]!.page.waitForSelector(
    ".part >> text=/of 400 tasks done · [1-9]\\d* by this tab/",
  );
  // Closed as people close them: without a button.
  await phones[1]!.page.close({ runBeforeUnload: true });
  const { code, out } = await run.running.ended;
  assert.equal(code, 0, plain(out));
  assert.match(plain(out), /volunteers may compute it.*400\/400 tasks/s);
  assert.equal(place.read("pi.ndjson").trim().split("\n").length, 400);
  assert.deepEqual(await violations(phones[0]!.page), []);
  await fits(phones[0]!.page);
  await phones[0]!.page.click("#stop");
  await phones[0]!.page.waitForSelector(".thanks");
  await looksAsBefore(phones[0]!.page, "class-phone-thanks");
  await projector.page.waitForSelector("#came >> text=0");
  await projector.page.click(".came button");
  await projector.page.waitForSelector(".gone summary >> text=2 workers have left");
  assert.equal(await projector.page.locator(".tile.lost").count(), 0, "none is lost, in red");
  assert.deepEqual([...projector.errors, ...phones.flatMap(({ errors }) => errors)], []);
  up.press(ctrlC);
  assert.equal((await up.running.ended).code, 0);
});
