/** The frame of each page: contents at the side, readable in the light and in the dark, on phones
 *  and without scripts. */
import { posix } from "node:path";
import { type Page, sections } from "./pages.ts";

const style = `
:root { color-scheme: light dark; --line: color-mix(in srgb, CanvasText 18%, Canvas);
  --soft: color-mix(in srgb, CanvasText 6%, Canvas); --link: light-dark(#0b57a4, #8ab8f0) }
* { box-sizing: border-box }
body { margin: 0; font: 16px/1.55 system-ui, sans-serif; color: CanvasText; background: Canvas }
a { color: var(--link) }
.contents { display: none }
.page { display: grid; grid-template-columns: 15rem minmax(0, 1fr); max-width: 72rem; margin: auto }
nav { order: -1; padding: 1.5rem 1rem; border-right: 1px solid var(--line); font-size: 0.92rem }
nav p { margin: 1rem 0 0.25rem; font-weight: 600 }
nav ul { list-style: none; margin: 0; padding: 0 }
nav li { padding: 0.15rem 0 } nav [aria-current] { color: CanvasText; font-weight: 600 }
main { padding: 1.5rem 2rem 4rem; min-width: 0 }
pre, code { font: 0.9em/1.45 ui-monospace, monospace } code { background: var(--soft) }
pre { background: var(--soft); padding: 0.8rem; overflow-x: auto } pre code { background: none }
table { border-collapse: collapse; display: block; overflow-x: auto }
th, td { border: 1px solid var(--line); padding: 0.3rem 0.6rem }
th, td { text-align: left; vertical-align: top }
@media (max-width: 48rem) {
  .page { display: block } nav { border-right: 0; border-top: 1px solid var(--line) }
  nav ul { columns: 2 } main { padding: 1rem } .contents { display: block; margin: 1rem 1rem 0 }
}`;

/** `body`: the page's own HTML, with links as they are in the site. */
export function layout(page: Page, pages: ReadonlyMap<string, Page>, body: string): string {
  const home = hrefTo(page, "index.html");
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(page.title)}${page.title === "Tequio" ? "" : " · Tequio"}</title>
<style>${style}</style></head>
<body><a class="contents" href="#contents">Contents</a><div class="page">
<main>
${readable(body)}
</main>
<nav id="contents" aria-label="Contents"><a href="${home}"><strong>Tequio</strong></a>
${sections.map(({ sources, title }) => sectionOf(title, sources, page, pages)).join("\n")}
</nav></div></body></html>
`;
}

function sectionOf(
  ...[title, sources, page, pages]: [string, readonly string[], Page, ReadonlyMap<string, Page>]
): string {
  const items = sources.map((source) => {
    const to = pages.get(source);
    if (to === undefined) throw new Error(`the contents name ${source}, which is no document`);
    const here = to === page ? ' aria-current="page"' : "";
    return `<li><a href="${hrefTo(page, to.place)}"${here}>${escaped(shortTitle(to))}</a></li>`;
  });
  return `<p>${title}</p><ul>${items.join("")}</ul>`;
}

function shortTitle({ source, title }: Page): string {
  return source === "README.md" ? "Overview" : (title.split(": ")[0] as string);
}

/** The keyboard scrolls what is wider than its place, and an empty cell is no heading. */
function readable(html: string): string {
  return html
    .replaceAll("<pre>", '<pre tabindex="0">')
    .replaceAll("<table>", '<table tabindex="0">')
    .replaceAll("<th></th>", "<td></td>");
}

/** From a page to a place of the site. */
export function hrefTo(page: Page, place: string): string {
  return posix.relative(posix.dirname(page.place), place) || posix.basename(place);
}

export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
