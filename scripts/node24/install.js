/** Gets what a fresh clone lacks: Node 24 (when the running one is older) and the locked
 *  dependencies.
 *
 *  Plain JavaScript for Node 16 and newer, without dependencies, since it runs before either is
 *  there.
 *  1. Everything is installed into a staging directory and then renamed into place, so a killed or
 *     a second bootstrap never leaves a half-filled directory: the first process to rename wins.
 *  2. Only what the two lock files name is installed, checked by their hashes, without install
 *     scripts. */
import { spawnSync } from "node:child_process";
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
export const root = path.dirname(path.dirname(here));
const cache = path.join(root, ".node24");
export const neededMajor = 24;
/** Age after which a staging directory is taken as left behind by a process that ended, in ms. */
const staleMs = 3_600_000;

/** An installation that failed for a reason that the reader can do something about. */
export class InstallError extends Error {}

function readJson(file) {
  return JSON.parse(fs.readFileSync(file, "utf8"));
}

export function runningMajor() {
  return Number(process.versions.node.split(".")[0]);
}

/** Where Node 24 lies after `installNode24`; null when no package exists for this machine. */
function node24Place() {
  const system = process.platform === "win32" ? "win" : process.platform;
  const packageName = `node-${system}-${process.arch}`;
  const version = readJson(path.join(here, "package.json")).optionalDependencies[packageName];
  if (version === undefined) return null;
  const directory = path.join(cache, `${version}-${process.platform}-${process.arch}`);
  const file = process.platform === "win32" ? "node.exe" : "node";
  return { directory, binary: path.join(directory, "node_modules", packageName, "bin", file) };
}

/** The Node 24 of this checkout, or null when it has not been installed. */
export function findNode24() {
  const place = node24Place();
  return place !== null && fs.existsSync(place.binary) ? place.binary : null;
}

/** Path of a Node of at least version 24: the running one, or one from the npm registry. */
export function installNode24() {
  if (runningMajor() >= neededMajor) return process.execPath;
  const found = findNode24();
  if (found !== null) return found;
  const place = node24Place();
  const advice = "Install Node 24 or newer from https://nodejs.org and try again.";
  if (place === null) {
    throw new InstallError(
      `this needs Node 24 or newer; this is ${process.version}, and the npm registry has no ` +
        `Node 24 for ${process.platform} ${process.arch}. ${advice}`,
    );
  }
  notice(`Node ${process.version} is too old: getting Node 24 into .node24/ (once, about 50 MB) …`);
  const staging = stage(["package.json", "package-lock.json"], here);
  npmCi(process.execPath, staging, advice);
  // For npm a package that it cannot fetch is merely optional.
  if (!fs.existsSync(path.join(staging, path.relative(place.directory, place.binary)))) {
    fs.rmSync(staging, { recursive: true, force: true });
    throw new InstallError(`Node 24 could not be fetched from the npm registry. ${advice}`);
  }
  moveIntoPlace(staging, place.directory);
  const check = spawnSync(place.binary, ["--version"], { encoding: "utf8" });
  if (check.status !== 0) {
    fs.rmSync(place.directory, { recursive: true, force: true });
    throw new InstallError(`the Node 24 of the npm registry does not run here. ${advice}`);
  }
  return place.binary;
}

/** Makes node_modules match package-lock.json. `node` runs npm, so that npm judges the engines of
 *  packages by the Node that will use them. */
export function installDependencies(node) {
  if (dependenciesMatch()) return;
  notice("Installing the locked dependencies into node_modules/ (once) …");
  const staging = stage(["package.json", "package-lock.json"], root);
  npmCi(node, staging, "See the lines above; `npm ci` does the same by hand.");
  const target = path.join(root, "node_modules");
  fs.writeFileSync(path.join(staging, "node_modules", stampName), lockDigest());
  // Another bootstrap may have been faster, and its user may run by now.
  if (!dependenciesMatch()) {
    if (fs.existsSync(target)) moveAside(target);
    moveIntoPlace(path.join(staging, "node_modules"), target);
  }
  fs.rmSync(staging, { recursive: true, force: true });
}

const stampName = ".lock-digest";

function lockDigest() {
  const hash = crypto.createHash("sha256").update(fs.readFileSync(lockPath()));
  return hash.update(`${process.platform} ${process.arch}`).digest("hex");
}

function lockPath() {
  return path.join(root, "package-lock.json");
}

/** True when our stamp fits the lock, or when npm's own record of what it installed does. */
function dependenciesMatch() {
  const stamp = path.join(root, "node_modules", stampName);
  const record = path.join(root, "node_modules", ".package-lock.json");
  if (fs.existsSync(stamp) && fs.readFileSync(stamp, "utf8") === lockDigest()) return true;
  if (!fs.existsSync(record)) return false;
  const installed = readJson(record).packages;
  const wanted = Object.entries(readJson(lockPath()).packages).filter(([name]) => name !== "");
  const matches = ([name, entry]) =>
    installed[name] === undefined
      ? entry.optional === true && !isForHere(entry)
      : installed[name].version === entry.version;
  if (!wanted.every(matches)) return false;
  fs.writeFileSync(stamp, lockDigest());
  return true;
}

/** True for the binary package of this very platform; other optional packages may be absent. */
function isForHere(entry) {
  if (entry.os === undefined) return false;
  const fits = (list, value) => list === undefined || [list].flat().includes(value);
  if (!fits(entry.os, process.platform) || !fits(entry.cpu, process.arch)) return false;
  return entry.libc === undefined || fits(entry.libc, isMusl() ? "musl" : "glibc");
}

function isMusl() {
  return process.report?.getReport?.().header.glibcVersionRuntime === undefined;
}

function notice(text) {
  process.stderr.write(`${text}\n`);
}

/** A new directory beside the final places (same disk, so that the rename is atomic). */
function stage(files, from) {
  fs.mkdirSync(cache, { recursive: true });
  sweep();
  const staging = fs.mkdtempSync(path.join(cache, "staging-"));
  for (const file of files) fs.copyFileSync(path.join(from, file), path.join(staging, file));
  return staging;
}

/** What killed bootstraps have left; younger directories may belong to one that runs. */
function sweep() {
  for (const name of fs.readdirSync(cache)) {
    const left = path.join(cache, name);
    if (!/^(staging|old)-/.test(name)) continue;
    if (Date.now() - fs.statSync(left).mtimeMs < staleMs) continue;
    fs.rmSync(left, { recursive: true, force: true });
  }
}

function moveIntoPlace(from, to) {
  try {
    fs.renameSync(from, to);
  } catch (error) {
    // Another bootstrap was faster: its result is as good as ours.
    fs.rmSync(from, { recursive: true, force: true });
    if (!fs.existsSync(to)) throw error;
  }
}

function moveAside(directory) {
  const aside = fs.mkdtempSync(path.join(cache, "old-"));
  try {
    fs.renameSync(directory, path.join(aside, "node_modules"));
  } catch (error) {
    if (fs.existsSync(directory)) throw error;
  }
  fs.rmSync(aside, { recursive: true, force: true });
}

function npmCi(node, directory, advice) {
  const args = [
    "ci",
    "--no-audit",
    "--no-fund",
    "--ignore-scripts",
    "--include=dev",
    "--include=optional",
  ];
  const { file, before, shell } = npmCommand(node);
  const ran = spawnSync(file, [...before, ...args], {
    cwd: directory,
    encoding: "utf8",
    env: npmEnvironment(node),
    maxBuffer: 64 * 1024 * 1024,
    shell,
  });
  if (ran.status === 0 && ran.error === undefined) return;
  fs.rmSync(directory, { recursive: true, force: true });
  const log = `${ran.stdout ?? ""}${ran.stderr ?? ""}${ran.error ?? ""}`.trimEnd().split("\n");
  throw new InstallError(`npm ci failed.\n${log.slice(-15).join("\n")}\n${advice}`);
}

/** The npm that runs us, when it is npm; else the one on the PATH. */
function npmCommand(node) {
  const cli = process.env.npm_execpath ?? "";
  if (/npm-cli\.c?js$/.test(cli)) return { file: node, before: [cli], shell: false };
  const windows = process.platform === "win32";
  return { file: windows ? "npm.cmd" : "npm", before: [], shell: windows };
}

/** Without what `npm run` says of the outer package, which would make npm install over there. */
function npmEnvironment(node) {
  const environment = withNodeFirst(node);
  for (const name of Object.keys(environment)) {
    const outer = /^npm_(package|lifecycle)_|^npm_config_(local|global)_prefix$|^npm_command$/i;
    if (outer.test(name) || name === "NODE_ENV") delete environment[name];
  }
  return environment;
}

/** The environment with `node` first on the PATH, so that children find it too. */
export function withNodeFirst(node) {
  const environment = { ...process.env };
  const name = Object.keys(environment).find((key) => key.toUpperCase() === "PATH") ?? "PATH";
  environment[name] = `${path.dirname(node)}${path.delimiter}${environment[name] ?? ""}`;
  return environment;
}
