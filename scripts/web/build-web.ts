/** Builds the web page into dist/web, when its sources have changed since: tests and commands of a
 *  checkout ask for it, each at most a moment, and several at once. */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

const root = dirname(dirname(import.meta.dirname));
const out = join(root, "dist", "web");
const stamp = "sources.sha256";
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
  if (isBuilt(digest)) return out;
  mkdirSync(dirname(out), { recursive: true });
  // Loaded only when needed: most who ask find the page built, and Vite takes longer than looking.
  const { build } = await import("vite");
  // Complete before it has its name: a gateway never meets half of a page.
  const draft = mkdtempSync(`${out}-`);
  try {
    await build({
      configFile: join(root, "vite.config.ts"),
      build: { outDir: draft, emptyOutDir: true },
    });
    writeFileSync(join(draft, stamp), digest);
    publish(draft, digest);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return out;
}

function isBuilt(digest: string): boolean {
  const path = join(out, stamp);
  return existsSync(path) && readFileSync(path, "utf8") === digest;
}

/** What others have built meanwhile of the same sources is as good. */
function publish(draft: string, digest: string): void {
  if (isBuilt(digest)) return;
  const old = `${draft}-old`;
  try {
    if (existsSync(out)) renameSync(out, old);
    renameSync(draft, out);
  } catch (error) {
    if (!isBuilt(digest)) throw error;
  } finally {
    rmSync(old, { recursive: true, force: true });
  }
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
