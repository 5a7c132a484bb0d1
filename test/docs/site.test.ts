/** The documents as a site: every page is made, every link in it leads to a place that is there. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { after, before, test } from "node:test";
import { buildSite } from "../../scripts/site/build.ts";
import { headingId } from "../../scripts/site/links.ts";
import { sections, sitePages } from "../../scripts/site/pages.ts";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";

const out = newFolder("tequio-site-");
after(() => removeFolder(out));
const html = new Map<string, string>();
before(async () => {
  await buildSite(out);
  for (const name of readdirSync(out, { recursive: true, encoding: "utf8" })) {
    if (name.endsWith(".html")) html.set(name, readFileSync(join(out, name), "utf8"));
  }
});

test("each document is a page with its title, in the frame of the site", () => {
  for (const { place, title } of sitePages()) {
    const page = html.get(place);
    assert.ok(page !== undefined, `${place} is missing`);
    assert.match(page, /<h1[ >]/, place);
    assert.ok(page.includes('<nav id="contents"'), place);
    assert.ok(title.length > 0);
  }
});

test("every link leads to a file of the site, and to a heading that is there", () => {
  const broken: string[] = [];
  for (const [place, page] of html) {
    for (const [, target = ""] of page.matchAll(/ (?:href|src)="([^"]+)"/g)) {
      if (/^[a-z][a-z0-9+.-]*:/i.test(target)) continue;
      const [path = "", id] = target.split("#");
      const to = path === "" ? place : posix.join(posix.dirname(place), decodeURI(path));
      const isThere = existsSync(join(out, to));
      const hasId = id === undefined || html.get(to)?.includes(` id="${id}"`) === true;
      if (!isThere || !hasId) broken.push(`${place}: ${target}`);
    }
  }
  assert.deepEqual(broken, []);
});

test("the contents name documents that are there, each once", () => {
  const named = sections.flatMap(({ sources }) => sources);
  assert.equal(new Set(named).size, named.length);
  const known = new Set(sitePages().map(({ source }) => source));
  assert.deepEqual(
    named.filter((source) => !known.has(source)),
    [],
  );
});

test("a heading has the id that repositories give it", () => {
  assert.equal(headingId("How long jobs are kept"), "how-long-jobs-are-kept");
  assert.equal(headingId("`--local`, and more"), "--local-and-more");
});
