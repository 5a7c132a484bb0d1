/** `npm run site`: the documents as a web site in `out/site`, by Eleventy. Any web server can serve
 *  it, and it opens from a disk. */
import { copyFileSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { escaped, hrefTo, layout } from "./layout.ts";
import { copyOf, headingId, withSiteLinks } from "./links.ts";
import { type Page, root, sitePages } from "./pages.ts";

/** What Eleventy gives a transform. */
type Transformed = { readonly page: { readonly outputPath: string } };

/** Writes the site into `out`, which is replaced. */
export async function buildSite(out: string): Promise<void> {
  const { Eleventy, IdAttributePlugin } = await import("@11ty/eleventy");
  const pages = sitePages();
  const bySource = new Map(pages.map((page) => [page.source, page]));
  const byPlace = new Map(pages.map((page) => [page.place, page]));
  const linked = new Set<string>();
  // All pages are given below: there is no folder to look through.
  const empty = newFolder("tequio-site-");
  rmSync(out, { recursive: true, force: true });
  try {
    const eleventy = new Eleventy(empty, out, {
      quietMode: true,
      config(settings) {
        settings.addPlugin(IdAttributePlugin, { slugify: headingId, checkDuplicates: false });
        settings.addTransform("page", function (this: Transformed, body: string) {
          const place = relative(out, resolve(this.page.outputPath)).split(sep).join("/");
          const page = byPlace.get(place);
          if (page === undefined) throw new Error(`Eleventy made ${place}, which is no page`);
          return layout(page, bySource, withSiteLinks(body, page, bySource, linked));
        });
        for (const { place, source, text } of pages) {
          settings.addTemplate(source.replaceAll("/", "~"), text, { permalink: place });
        }
        return { markdownTemplateEngine: false };
      },
    });
    await eleventy.write();
  } finally {
    removeFolder(empty);
  }
  for (const source of linked) copy(source, out, bySource);
}

/** What documents link to and is no page: a file, or the list of a folder. */
function copy(source: string, out: string, pages: ReadonlyMap<string, Page>): void {
  const [from, to] = [join(root, source), join(out, copyOf(source))];
  mkdirSync(dirname(to), { recursive: true });
  if (!statSync(from).isDirectory()) {
    copyFileSync(from, to);
    return;
  }
  const page: Page = { source, place: copyOf(source), title: source, text: "" };
  const inside = [...pages.values()].filter((one) => one.source.startsWith(`${source}/`));
  const items = inside.map(
    (one) => `<li><a href="${hrefTo(page, one.place)}">${escaped(one.title)}</a></li>`,
  );
  const names = readdirSync(from).filter((name) => !name.startsWith("."));
  const list = inside.length > 0 ? items : names.map((name) => `<li>${escaped(name)}</li>`);
  const body = `<h1>${escaped(source)}</h1><ul>${list.join("")}</ul>`;
  // A page of that place may be there: the folder's README.
  if ([...pages.values()].some(({ place }) => place === page.place)) return;
  writeFileSync(to, layout(page, pages, body));
}

if (import.meta.main) {
  const out = join(root, "out", "site");
  await buildSite(out);
  process.stdout.write(`${join(out, "index.html")}\n`);
}
