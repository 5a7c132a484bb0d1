/** Links of the documents, which are to files of the repository, as links of the site: documents
 *  are pages, other files are copied beside them as text. */
import { posix } from "node:path";
import { hrefTo } from "./layout.ts";
import type { Page } from "./pages.ts";

/** The id that a heading has for links, as repositories give it. */
export function headingId(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}

/** HTML with the links of the site; `linked` gets the paths of files and folders that are no
 *  page. */
export function withSiteLinks(
  html: string,
  page: Page,
  pages: ReadonlyMap<string, Page>,
  linked: Set<string>,
): string {
  return html.replace(/(href|src)="([^"]+)"/g, (whole, name: string, target: string) => {
    if (/^([a-z][a-z0-9+.-]*:|#|\/)/i.test(target)) return whole;
    const [path = "", ...fragment] = target.split("#");
    const source = posix.join(posix.dirname(page.source), path).replace(/\/$/, "");
    const to = pages.get(source);
    if (to === undefined) linked.add(source);
    const place = to?.place ?? copyOf(source);
    return `${name}="${[hrefTo(page, place), ...fragment].join("#")}"`;
  });
}

/** Where the file lies in the site: pictures as they are, sources as text that browsers show; a
 *  folder as its list. */
export function copyOf(source: string): string {
  if (/\.(svg|png|html)$/.test(source)) return source;
  const isFile = /\.[a-z0-9]+$/i.test(posix.basename(source)) || source.endsWith("NOTICE");
  return isFile || source === "LICENSE" ? `${source}.txt` : `${source}/index.html`;
}
