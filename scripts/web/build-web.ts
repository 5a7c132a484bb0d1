/** Builds the web page into dist/web, when what it is made of has changed since: tests and commands
 *  of a checkout ask for it, each at most a moment, and several at once. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { filesBelow, filesText, isCurrent, notedIn } from "./page-files.ts";

const root = dirname(dirname(import.meta.dirname));
const out = join(root, "dist", "web");
const stamp = "sources.sha256";
/** What no bundler names: how it is built, and its packages. */
const tools = [import.meta.filename, join(root, "package-lock.json")];
/** Styles and pages may take others into themselves. */
const isNoCode = (name: string) => /\.(css|html|svg)$/.test(name);

/** Where it lies. */
export async function buildWeb(): Promise<string> {
  if (isBuilt()) return out;
  mkdirSync(dirname(out), { recursive: true });
  // Complete before it has its name: a gateway never meets half of a page.
  const draft = mkdtempSync(`${out}-`);
  try {
    const sinceMs = Date.now();
    const files = new Set([...tools, ...filesBelow(join(root, "src", "web"), isNoCode)]);
    // Loaded only here: most who ask find the page built, and Vite takes longer than looking.
    const { build } = await import("vite");
    await build({
      configFile: join(root, "vite.config.ts"),
      publicDir: false,
      plugins: [notedIn(files)],
      worker: { plugins: () => [notedIn(files)] },
      build: { outDir: draft, emptyOutDir: true },
    });
    writeFileSync(join(draft, stamp), filesText(root, files, sinceMs));
    publish(draft);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return out;
}

/** As its sources are now. */
export function isBuilt(): boolean {
  const path = join(out, stamp);
  return existsSync(path) && isCurrent(root, readFileSync(path, "utf8"));
}

/** What others have built meanwhile of the same sources is as good. */
function publish(draft: string): void {
  if (isBuilt()) return;
  const old = `${draft}-old`;
  try {
    if (existsSync(out)) renameSync(out, old);
    renameSync(draft, out);
  } catch (error) {
    if (!isBuilt()) throw error;
  } finally {
    rmSync(old, { recursive: true, force: true });
  }
}

if (import.meta.main) process.stdout.write(`${await buildWeb()}\n`);
