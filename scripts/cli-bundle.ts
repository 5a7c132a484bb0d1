/** The command line as few files: loading its hundreds of modules one by one takes longer than most
 *  commands run.
 *
 *  Each of our modules keeps the address that it has unbundled (`import.meta.url`), so that it
 *  finds its neighbours: files that it reads, threads and processes that it starts. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, relative, sep } from "node:path";
import { digestOf } from "../src/worker/slot/program.ts";

const root = dirname(import.meta.dirname);
const main = "main.mjs";
const oldMs = 24 * 60 * 60 * 1_000;

/** The bundle of the sources of this checkout, made when they have changed: the path to import. */
export async function checkoutBundle(): Promise<string> {
  const cache = join(root, "node_modules", ".cache", "tequio");
  const sources = [join(root, "src"), import.meta.filename, join(root, "package-lock.json")];
  const folder = join(cache, `cli-${digestOf(sources)}`);
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

/** Bundles `entry` and what it imports into `folder`, and the licences of the packages among it.
 *  `isCompact`: without comments and white space; names stay, for stacks. */
export async function bundleCli(entry: string, folder: string, isCompact = false): Promise<void> {
  const { rolldown } = await import("rolldown");
  const external = await unbundled();
  // Several checkouts may share their packages, and the folder in them, by a link.
  mkdirSync(folder, { recursive: true });
  const place = realpathSync(folder);
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
          const path = relative(place, id).split(sep).join("/");
          const url = `new URL(${JSON.stringify(path)}, import.meta.url).href`;
          return { code: code.replaceAll("import.meta.url", url) };
        },
      },
    ],
  });
  const options = {
    entryFileNames: main,
    chunkFileNames: "[name]-[hash].mjs",
    minify: isCompact && { compress: false, mangle: false },
  };
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
