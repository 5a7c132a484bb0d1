/** Packs the npm package, installs it elsewhere as a user would, and checks what arrives.
 *
 *  1. The installed tree is smaller than `installBytesMax`. 2. No package in it has an install
 *     script.
 *  3. The installed command starts, and runs a job file that imports the package.
 *  4. A program that uses `tequio/client` compiles, and finds what it should.
 *  5. What `tequio init` writes compiles.
 *  6. The example of docs/conformance.md compiles against the installed types, and passes. */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { newFolder, removeFolder } from "../src/store/testing/at-end.ts";
import { writeExample } from "./documented.ts";

const installBytesMax = 60_000_000;
/** Longest that one command may take, in ms. */
const commandMs = 120_000;
const root = dirname(import.meta.dirname);

function run(file: string, args: readonly string[], cwd: string): string {
  const environment = { ...process.env };
  for (const name of ["npm_config_local_prefix", "npm_config_global_prefix"]) {
    delete environment[name];
  }
  const ran = spawnSync(file, args, {
    cwd,
    encoding: "utf8",
    env: environment,
    timeout: commandMs,
  });
  if (ran.status === 0) return ran.stdout;
  throw new Error(`${file} ${args.join(" ")} failed:\n${ran.stdout}\n${ran.stderr}`);
}

function sizeBytesOf(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isDirectory()) return stat?.size ?? 0;
  return readdirSync(path).reduce((sum, name) => sum + sizeBytesOf(join(path, name)), 0);
}

/** Packages that npm would run a script of. */
function withInstallScript(directory: string): string[] {
  const lock = JSON.parse(readFileSync(join(directory, "package-lock.json"), "utf8"));
  const packages = Object.entries<{ hasInstallScript?: boolean }>(lock.packages);
  return packages.filter(([, entry]) => entry.hasInstallScript === true).map(([name]) => name);
}

/** Against the installed types. */
function compile(directory: string, names: readonly string[]): void {
  const strict = ["--strict", "--module", "nodenext", "--target", "es2024", "--types", "node"];
  const libraries = ["--lib", "es2024,esnext.disposable"];
  const types = ["--typeRoots", join(root, "node_modules", "@types"), "--skipLibCheck"];
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const flags = ["--noEmit", "--allowImportingTsExtensions", ...strict, ...libraries, ...types];
  run(process.execPath, [tsc, ...flags, ...names], directory);
}

function checkClient(directory: string): void {
  copyFileSync(join(root, "examples", "programs", "longest.ts"), join(directory, "longest.ts"));
  compile(directory, ["longest.ts"]);
  const found = run(process.execPath, ["longest.ts"], directory);
  if (!found.startsWith("17647 takes 278 steps\n")) throw new Error(`other steps in:\n${found}`);
}

/** What `tequio init` writes compiles against the installed types, as a new user has them. */
function checkInit(directory: string, entry: string): void {
  run(process.execPath, [entry, "init", "project"], directory);
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const types = ["--typeRoots", join(root, "node_modules", "@types")];
  run(process.execPath, [tsc, "-p", "project", ...types], directory);
}

function checkConformance(directory: string): void {
  const names = writeExample(directory);
  compile(directory, names);
  run(process.execPath, ["--test", ...names.filter((name) => name.includes(".test."))], directory);
}

function check(directory: string): void {
  const packed = run("npm", ["pack", "--silent", "--pack-destination", directory], root);
  const tarball = packed.trim().split("\n").at(-1)!;
  writeFileSync(join(directory, "package.json"), '{ "private": true, "type": "module" }\n');
  const quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"];
  run("npm", ["install", ...quiet, `./${tarball}`], directory);

  const modules = join(directory, "node_modules");
  const sizeBytes = sizeBytesOf(modules);
  const scripts = withInstallScript(directory);
  if (sizeBytes > installBytesMax) {
    throw new Error(`${sizeBytes} bytes installed, at most ${installBytesMax}`);
  }
  if (scripts.length > 0) throw new Error(`install scripts in: ${scripts.join(", ")}`);
  const entry = join(modules, "tequio", "bin", "tequio.js");
  const version = run(process.execPath, [entry, "--version"], directory).trim();
  if (!existsSync(join(modules, "tequio", "dist", "index.d.ts"))) {
    throw new Error("the package has no type declarations");
  }
  const job = join(directory, "job.ts");
  copyFileSync(join(root, "examples", "word-count", "job.ts"), job);
  const counted = run(process.execPath, [entry, "run", "--local", job, job, "-o", "-"], directory);
  if (!counted.includes('{"key":"word","value":')) throw new Error(`no words in:\n${counted}`);
  checkClient(directory);
  checkInit(directory, entry);
  checkConformance(directory);
  checkPython(directory, entry);
  const megabytes = (sizeBytes / 1e6).toFixed(1);
  process.stdout.write(`${tarball} installs ${megabytes} MB and runs a job: ${version}\n`);
}

/** Where there is Python: its job gives what the other one gives. */
function checkPython(directory: string, entry: string): void {
  const job = join(directory, "job.py");
  copyFileSync(join(root, "examples", "word-count", "job.py"), job);
  if (spawnSync("python3", ["--version"]).status !== 0) {
    process.stdout.write("there is no python3 here: no job in Python was run\n");
    return;
  }
  for (const mode of ["--local", "--sequential"]) {
    const counted = run(process.execPath, [entry, "run", mode, job, job, "-o", "-"], directory);
    if (!counted.includes('{"key":"word","value":')) throw new Error(`no words in:\n${counted}`);
  }
}

const directory = newFolder("tequio-pack-");
try {
  check(directory);
} finally {
  removeFolder(directory);
}
