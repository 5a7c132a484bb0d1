/** Installs the rivals of npm when a benchmark runs: never with the product, whose install stays
 *  small. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const directory = import.meta.dirname;
const installMs = 300_000;

/** Null when they are there, else why not. Only this folder's lock file counts. */
export function installRivals(say: (line: string) => void): string | null {
  if (isInstalled()) return null;
  say("installing the rivals of npm into bench/rivals/node_modules");
  const flags = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const options = { cwd: directory, encoding: "utf8", timeout: installMs } as const;
  const { status, stderr, error } = spawnSync("npm", flags, options);
  if (status === 0) return null;
  const said = stderr.split("\n").map((line) => line.replace(/^npm error ?/, ""));
  const why = error?.message ?? said.find((line) => line !== "" && !line.startsWith("code "));
  return `npm ci in bench/rivals failed: ${why}`;
}

/** What npm wrote down last is what the lock file wants. */
function isInstalled(): boolean {
  const there = join(directory, "node_modules", ".package-lock.json");
  if (!existsSync(there)) return false;
  const wanted = packagesOf(join(directory, "package-lock.json"));
  const found = packagesOf(there);
  return [...found].every(([name, version]) => wanted.get(name) === version);
}

function packagesOf(file: string): Map<string, string> {
  const { packages } = JSON.parse(readFileSync(file, "utf8")) as {
    readonly packages: Readonly<Record<string, { readonly version?: string }>>;
  };
  return new Map(Object.entries(packages).map(([name, { version = "" }]) => [name, version]));
}
