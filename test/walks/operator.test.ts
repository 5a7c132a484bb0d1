/** The walk of an operator: starts a cluster, lets a worker and a reader in, watches, sees the
 *  coordinator die and come back, and keeps a copy. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { buildWeb } from "../../scripts/web/build-web.ts";
import { options, sharedChromium } from "../browsers/chromium.ts";
import { freePort } from "../fixtures/free-port.ts";
import { Place } from "../fixtures/place.ts";
import { openScreen, violations } from "../web/screens.ts";
import { looksAsBefore } from "./looks.ts";
import { atTerminal, ctrlC, plain, skip, upAtTerminal } from "./terminal.ts";

const chromium = sharedChromium();
const slow = `import { tasks } from "tequio";

export default tasks({
  name: "nightly",
  items: () => Array.from({ length: 100_000 }, (_, i) => i),
  async run(item) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    return item;
  },
});
`;

test("a cluster is started, joined, watched, killed, started again and copied", {
  ...options,
  skip: skip || options.skip,
}, async (t) => {
  await buildWeb();
  const place = new Place(t, { "nightly.ts": slow });
  const listen = `127.0.0.1:${await freePort()}`;
  const first = await upAtTerminal(place, "--workers", "0", "--listen", listen);
  const url = /^coordinator +(\S+)/m.exec(first.shown)![1]!;
  const created = await place.run("token", "create", "--role", "worker", "--json");
  const { token } = JSON.parse(created.out) as { token: string };
  const worker = atTerminal(place, ["join", url, "--token", token]);
  assert.equal((await place.run("run", "nightly.ts", "--detach")).code, 0);

  const top = atTerminal(place, ["top"]);
  await top.shows("nightly");
  await top.shows("1 worker, ");
  assert.doesNotMatch(plain(top.running.out), /\\x1b/, "styles are obeyed, not shown");
  top.press(ctrlC);
  await top.running.ended;

  const { out } = await place.run("token", "create", "--role", "reader", "--json");
  const reader = (JSON.parse(out) as { token: string }).token;
  const screen = await openScreen(await chromium.browser(), `${url}/#token=${reader}`);
  t.after(() => screen.page.context().close());
  await screen.page.waitForSelector("text=read only");
  await screen.page.waitForSelector(".glance .who >> text=/[1-9]\\/\\d/");
  assert.deepEqual(await violations(screen.page), []);
  await looksAsBefore(screen.page, "operator-jobs");
  await screen.page.click('a[href="/workers"]');
  await screen.page.waitForSelector(".tile");
  await looksAsBefore(screen.page, "operator-workers");
  await screen.page.click(".tile");
  await screen.page.waitForSelector(
    ".counters div:has-text('Processors of its machine') >> text=%",
  );

  // The shell of the terminal is its parent, and ends with it.
  const { pid } = JSON.parse(place.read("data/endpoint.json")) as { pid: number };
  process.kill(pid, "SIGKILL");
  await first.up.running.ended;
  await screen.page.waitForSelector(".away .notice");
  const again = atTerminal(place, ["up", "--listen", listen, "--workers", "0"]);
  await again.shows("stop: Ctrl-C");
  await screen.page.waitForSelector(".away .notice", { state: "detached" });
  await screen.page.click('nav a[href="/"]');
  await screen.page.waitForSelector(".glance .who >> text=/[1-9]\\/\\d/");
  assert.match((await place.run("status", "j-1")).out, /j-1 +nightly +running/);

  assert.equal((await place.run("backup", "copy")).code, 0);
  const checked = await place.run("check", "copy");
  assert.equal(checked.code, 0, checked.out + checked.err);
  assert.equal((await place.run("cancel", "j-1")).code, 0);
  assert.equal((await place.run("down")).code, 0);
  assert.equal((await again.running.ended).code, 0);
  worker.press(ctrlC);
  await worker.running.ended;
  assert.deepEqual(screen.errors, []);
});
