/** What a job file may import: its own project, and `tequio` as this very package; nothing of the
 *  host. */
import { existsSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Plugin } from "rolldown";
import { parseSync } from "rolldown/experimental";
import { lineAndColumn, type SyntaxNode } from "../captured/tree.ts";
import { absentCode, hostModule, isOptional, missingModule } from "./absent.ts";
import { buildFailure, type Place } from "./failure.ts";

/** This package's public API: the source in a checkout, the build when installed. */
const ownFolder = fileURLToPath(new URL("../../..", import.meta.url)).replace(/[\\/]$/, "");
const ownEntry = [join(ownFolder, "src", "index.ts"), join(ownFolder, "dist", "index.js")].find(
  (file) => existsSync(file),
);
/** Modules of this package get names that are the same wherever it is installed. */
const ownPrefix = "\0tequio/";
const bundlerRuntime = "\0rolldown/runtime.js";

/** A module of this package by its path below `src`, without its ending. */
export function ownModule(name: string): string {
  const [source, built] = [
    join(ownFolder, "src", `${name}.ts`),
    join(ownFolder, "dist", `${name}.js`),
  ];
  return ownName(existsSync(source) ? source : built);
}

/** Resolves imports for `folder`'s job; an import that cannot be shipped is `build-failed` at its
 *  place. */
export function importRules(folder: string): Plugin {
  return {
    name: "imports",
    async resolveId(source, importer, options) {
      if (importer === undefined) return null;
      if (source === "tequio" && ownEntry !== undefined) return ownName(ownEntry);
      if (importer.startsWith(ownPrefix)) return ownName(join(dirname(ownFile(importer)), source));
      if (/^(data|https?|file):/.test(source)) {
        const text = `import of ${source.slice(0, 80)}: only files and npm packages can be bundled`;
        throw buildFailure(text, importPlace(importer, source), folder);
      }
      // Asked first: a package's `browser` field may have something in place of a module of Node.
      const found = await this.resolve(source, importer, { ...options, skipSelf: true });
      if (found !== null && found.external === false && !isBuiltin(found.id)) return found;
      if (isOptionalFor(importer, source)) return missingModule(source);
      if (isBuiltin(source)) {
        if (isOfPackage(importer)) return hostModule(source);
        const text =
          `import of ${source} cannot be shipped to workers: job code has no files, network or ` +
          "processes. Read what it needs through inputs and `params`";
        throw buildFailure(text, importPlace(importer, source), folder);
      }
      const isFile = source.startsWith(".") || source.startsWith("/");
      const text = isFile
        ? `cannot find ${source}`
        : `cannot find the package ${source}; install it with npm next to the job file`;
      throw buildFailure(text, importPlace(importer, source), folder);
    },
    load(id) {
      const absent = absentCode(id);
      if (absent !== null) return { code: absent, moduleType: "js" };
      if (!id.startsWith(ownPrefix)) return null;
      const file = ownFile(id);
      return { code: readFileSync(file, "utf8"), moduleType: file.endsWith(".ts") ? "ts" : "js" };
    },
  };
}

function ownName(file: string): string {
  return ownPrefix + file.slice(ownFolder.length + 1).replaceAll("\\", "/");
}

function ownFile(name: string): string {
  return join(ownFolder, name.slice(ownPrefix.length));
}

/** Of the modules `ids` of a bundle of `entry`: the files of this package; null when any is of
 *  neither. */
export function ownFilesIn(ids: ReadonlySet<string>, entry: string): string[] | null {
  const others = [...ids].filter((id) => id !== entry && id !== bundlerRuntime);
  return others.every((id) => id.startsWith(ownPrefix)) ? others.map(ownFile) : null;
}

function isOfPackage(file: string): boolean {
  return /[\\/]node_modules[\\/]/.test(file);
}

function isOptionalFor(importer: string, source: string): boolean {
  const { program, errors } = parseSync(importer, readFileSync(importer, "utf8"));
  return errors.length === 0 && isOptional(program as unknown as SyntaxNode, source);
}

/** Where `file` imports `source`; null when that is not known (a `require` in a package). */
function importPlace(file: string, source: string): Place | null {
  const code = readFileSync(file, "utf8");
  const { module } = parseSync(file, code);
  const found =
    module.staticImports.find((i) => i.moduleRequest.value === source)?.moduleRequest ??
    module.staticExports.flatMap((e) => e.entries).find((e) => e.moduleRequest?.value === source)
      ?.moduleRequest ??
    module.dynamicImports.find((i) => {
      const text = code.slice(i.moduleRequest.start, i.moduleRequest.end);
      return text.slice(1, -1) === source;
    })?.moduleRequest;
  if (found == null) return { file, line: 1, column: 1 };
  return { file, ...lineAndColumn(code, found.start) };
}
