/** Which files see a changed one: those that import it, directly or by way of others. The rest of
 *  the product is loaded, and compiled by its engine, once for all planted bugs. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const imports = new Map<string, readonly string[]>();

/** URLs of the files that `url` imports; a file that only has types from them counts, too. */
function importsOf(url: string): readonly string[] {
  const known = imports.get(url);
  if (known !== undefined) return known;
  const text = url.endsWith(".ts") ? readFileSync(fileURLToPath(url), "utf8") : "";
  const found = text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g);
  const targets = [...found].map(([, target]) => new URL(target as string, url).href);
  imports.set(url, targets);
  return targets;
}

/** Of all that can be reached from `entry`: the files from which one of `changed` can be. */
export function importersOf(changed: ReadonlySet<string>, entry: string): Set<string> {
  const importers = new Map<string, string[]>();
  const left = [entry];
  const seen = new Set(left);
  for (let url = left.pop(); url !== undefined; url = left.pop()) {
    for (const target of importsOf(url)) {
      const known = importers.get(target);
      if (known === undefined) importers.set(target, [url]);
      else known.push(url);
      if (!seen.has(target)) left.push(target);
      seen.add(target);
    }
  }
  const affected = new Set(changed);
  for (const url of affected) for (const one of importers.get(url) ?? []) affected.add(one);
  return affected;
}
