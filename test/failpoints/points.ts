/** The failpoints that stand in the sources, and where. */
import { readSources } from "../tidy/sources.ts";

export type Place = { readonly point: string; readonly side: string; readonly path: string };

/** Every `hit("…", "…")` under src, in the order of the files. */
export function placesInSources(): Place[] {
  const places: Place[] = [];
  for (const { path, text, isTest } of readSources()) {
    if (!path.startsWith("src/") || isTest) continue;
    for (const [, point, side] of text.matchAll(/\bhit\("([a-z.-]+)", "(before|after)"\)/g)) {
      places.push({ point: point as string, side: side as string, path });
    }
  }
  return places;
}
