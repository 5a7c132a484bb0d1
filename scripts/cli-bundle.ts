/** The command line as few files: loading its hundreds of modules one by one takes longer than most
 *  commands run.
 *
 *  Each of our modules keeps the address that it has unbundled (`import.meta.url`), so that it
 *  finds its neighbours: files that it reads, threads and processes that it starts. */
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, relative, sep } from "node:path";

const root = dirname(import.meta.dirname);
const main = "main.mjs";
const oldMs = 24 * 60 * 60 * 1_000;

/** The bundle of the sources of this checkout, made when they have changed: the path to import. */
export async function checkoutBundle(): Promise<string> {
  const cache = join(root, "node_modules", ".cache", "tequio");
  const folder = join(cache, `cli-${sourceDigest()}`);
  if (existsSync(folder)) return join(folder, main);
  mkdirSync(cache, { recursive: true });
  // Complete before it has its name: several commands may build it at once.
  const draft = mkdtempSync(join(cache, "draft-"));
  try {
    await bundleCli(join(root, "src", "cli", "main.ts"), draft);
    // Commands may be of other users.
    chmodSync(draft, 0o755);
    renameSync(draft, folder);
    removeOld(cache);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return join(folder, main);
}

/** Bundles of earlier sources; programs that still run may load more of a young one. */
function removeOld(cache: string): void {
  for (const name of readdirSync(cache).filter((one) => one.startsWith("cli-"))) {
    const path = join(cache, name);
    const ageMs = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (ageMs > oldMs) rmSync(path, { recursive: true, force: true });
  }
}

/** Bundles `entry` and what it imports into `folder`, and the licences of the packages among
 *  it. */
export async function bundleCli(entry: string, folder: string): Promise<void> {
  const { rolldown } = await import("rolldown");
  const external = await unbundled();
  const build = await rolldown({
    input: { main: entry },
    platform: "node",
    logLevel: "silent",
    external: (id) => external.some((name) => id === name || id.startsWith(`${name}/`)),
    plugins: [
      {
        // An import of a module of Node reads all that it exports, which loads half of Node.
        name: "builtins",
        // The bundle itself imports the one that makes `require`.
        resolveId: (source) =>
          isBuiltin(source) && !/^(node:)?module$/.test(source) ? `\0${source}` : null,
        load(id) {
          if (!id.startsWith("\0") || !isBuiltin(id.slice(1))) return null;
          return `module.exports = process.getBuiltinModule(${JSON.stringify(id.slice(1))});`;
        },
      },
      {
        name: "addresses",
        transform(code, id) {
          const isOurs = !id.includes("node_modules") && !id.startsWith("\0");
          if (!isOurs || !code.includes("import.meta.")) return null;
          // The folder may be moved to another one beside it.
          const path = relative(folder, id).split(sep).join("/");
          const url = `new URL(${JSON.stringify(path)}, import.meta.url).href`;
          return { code: code.replaceAll("import.meta.url", url) };
        },
      },
    ],
  });
  const options = { entryFileNames: main, chunkFileNames: "[name]-[hash].mjs" };
  const { output } = await build.write({ dir: folder, format: "esm", ...options });
  await build.close();
  const modules = output.flatMap((chunk) => (chunk.type === "chunk" ? chunk.moduleIds : []));
  writeFileSync(join(folder, "LICENSES.txt"), licencesOf(modules));
}

/** Packages that are optional, of the checkout alone, or native. */
async function unbundled(): Promise<string[]> {
  const text = readFileSync(join(root, "package.json"), "utf8");
  const { devDependencies, peerDependencies } = JSON.parse(text);
  return ["rolldown", ...Object.keys(devDependencies), ...Object.keys(peerDependencies)];
}

/** Of the packages that these modules are of. */
function licencesOf(modules: readonly string[]): string {
  const packages = modules.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id) ?? []);
  const texts = [...new Set(packages)].sort().map((folder) => {
    const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
    const { license, name, version } = JSON.parse(
      readFileSync(join(folder, "package.json"), "utf8"),
    );
    const text = file === undefined ? `${license}` : readFileSync(join(folder, file), "utf8");
    return `${name} ${version}\n\n${text.trim()}\n`;
  });
  return texts.join(`\n${"-".repeat(80)}\n\n`);
}

/** Of sizes and times: reading the bytes of a thousand files would take as long as a command. */
function sourceDigest(): string {
  const hash = createHash("sha256");
  const seen = (path: string) => {
    const { mtimeMs, size } = statSync(path);
    hash.update(`${path}\0${size}\0${mtimeMs}\n`);
  };
  const names = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).sort();
  for (const name of names) {
    if (name.endsWith(".ts") && !name.endsWith(".test.ts")) seen(join(root, "src", name));
  }
  for (const path of [import.meta.filename, join(root, "package-lock.json")]) seen(path);
  return hash.digest("hex").slice(0, 32);
}
