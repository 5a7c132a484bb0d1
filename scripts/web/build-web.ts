/** Builds the web page into dist/web, when its sources have changed since: tests and commands of a
 *  checkout ask for it, each at most a moment. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "vite";

const root = dirname(dirname(import.meta.dirname));
const out = join(root, "dist", "web");
const stamp = join(out, "sources.sha256");
/** Everything that may end up in the page. */
const sources = [
  "src",
  "assembly",
  "scripts/browsers/tab-code.ts",
  "scripts/web/report-page.ts",
  "scripts/web/try-code.ts",
  "vite.config.ts",
  "package-lock.json",
];

/** Where it lies. */
export async function buildWeb(): Promise<string> {
  const digest = digestOf(sources);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === digest) return out;
  await build({ configFile: join(root, "vite.config.ts") });
  writeFileSync(stamp, digest);
  return out;
}

function digestOf(paths: readonly string[]): string {
  const hash = createHash("sha256");
  const add = (path: string) => {
    hash
      .update(path)
      .update("\0")
      .update(readFileSync(join(root, path)))
      .update("\0");
  };
  for (const path of paths) {
    if (!existsSync(join(root, path))) continue;
    if (path !== "src" && path !== "assembly") add(path);
    else for (const name of filesOf(path)) add(name);
  }
  return hash.digest("hex");
}

function filesOf(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith(".test.ts"))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();
}

if (import.meta.main) process.stdout.write(`${await buildWeb()}\n`);
