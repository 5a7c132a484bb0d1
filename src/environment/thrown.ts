/** What job code threw, as its author can read it: where that was in the files of the job, and what
 *  job code may not do in place of the engine's words for it. */

import { absentHint } from "./globals.ts";

/** Where this product lies: frames from there say nothing to the author of a job. "" in a bundle
 *  that does not know: there, the code of jobs has this name. */
const ownUrl = (import.meta as { readonly url?: string }).url ?? "";
const ownFolder = decodeURIComponent(ownUrl.replace("file://", "").replace(/[^/]*\/[^/]*$/, ""));
const codeName = "job.mjs";
/** A bundle that is evaluated to see what it exports has this name: what its map does not lead to
 *  sources of the job is this product's own code in it, such as that of operators. */
export const evaluatedName = "tequio.bundle.mjs";

/** Of the stack of an error, the lines of the job's own code, without `file://`. [] of anything
 *  else, and of what throws when it is looked at. */
export function jobFrames(error: unknown): string[] {
  let stack: unknown;
  try {
    stack = error instanceof Error ? error.stack : "";
  } catch {
    return [];
  }
  if (typeof stack !== "string") return [];
  return stack
    .split("\n")
    .filter((line) => /^\s+at /.test(line))
    .map((line) => line.trim().replaceAll("file://", ""))
    .filter((line) => !line.includes("node:") && !isOwn(line))
    .filter((line) => !line.includes("(<anonymous>)") && !line.endsWith(" <anonymous>"));
}

function isOwn(line: string): boolean {
  if (line.includes(`${evaluatedName}:`)) return true;
  return ownFolder === "" ? !line.includes(`${codeName}:`) : line.includes(ownFolder);
}

/** Where job code threw it, as `word-count.ts:17`; "" when its stack does not say. In a tab, whose
 *  stacks are those of the bundle, with the column, so that the place in the source can be found:
 *  `job.mjs:40:9`. */
export function placeOf(error: unknown): string {
  const [first] = jobFrames(error);
  if (first === undefined) return "";
  const [, folder, line = "", column] = /([/\\]?)([^\s(/\\]+:\d+)(:\d+)\)?$/.exec(first) ?? [];
  return folder === "" ? `${line}${column}` : line;
}

/** By the name that Node's permission model has for it. */
const denied: Readonly<Record<string, string>> = {
  FileSystemRead: "job code may not read files; give them to the job as inputs",
  FileSystemWrite:
    "job code may write files only below its working directory, which goes with the task; return " +
    "or emit what is to stay",
  ChildProcess: "job code may not start processes; do the work in the task itself",
  WorkerThreads: "a task has one thread; make more tasks",
  Addon: "job code may not load native addons; use a package in JavaScript or WebAssembly",
  Net: "job code may not use the network; give what it reads to the job as inputs",
};
/** Of Node, then of browsers. */
const notFound = /Cannot find (?:module|package) '([^']*)'/;
const notFetched = /(?:module specifier|dynamically imported module|importing a module)/;

/** The error's message; of what the engine refuses job code, what to do in its place. */
export function messageOf(error: Error): string {
  const { code, permission } = error as { code?: unknown; permission?: unknown };
  const { message } = error;
  if (typeof message !== "string") return String(message);
  if (code === "ERR_ACCESS_DENIED" && typeof permission === "string") {
    return denied[permission] ?? `job code may not use ${permission}`;
  }
  const missing = code === "ERR_MODULE_NOT_FOUND" ? notFound.exec(message) : null;
  if (missing !== null) return notBundled(missing[1] ?? "");
  if (notFetched.test(message)) return notBundled(/['"]([^'"]+)['"]/.exec(message)?.[1] ?? "");
  return code === "ERR_UNSUPPORTED_ESM_URL_SCHEME"
    ? "job code has no network to import from; install the package next to the job file"
    : message + absentHint(error);
}

/** Only names that can be read in the code are bundled. Of a path of this machine its end. */
function notBundled(name: string): string {
  const short = name.startsWith("/") ? `.${name.slice(name.lastIndexOf("/"))}` : name;
  const what = short === "" ? "the module" : JSON.stringify(short);
  return (
    `${what} is not part of the job, since a computed name cannot be bundled; write the name of ` +
    "the module in quotes in `import()`"
  );
}

/** For the text of what job code threw. */
export const jobTexts = { place: placeOf, message: messageOf };
