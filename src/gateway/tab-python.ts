/** The Python of tabs, served from the package `pyodide` where that is installed: read when a tab
 *  asks for it, and cached by browsers for good, since paths carry a digest. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { ClusterError } from "../core/error.ts";
import { type PythonIndex, pythonIndexPath } from "../wire/browser/python-index.ts";
import { PythonSnapshots, snapshotRecipe } from "./python/snapshots.ts";

export type TabPython = {
  /** True when the request was for it, and is answered. */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
};

/** What docs and `why` name: the release that tabs were tested with. */
export const pyodideRelease = "314";
const prefix = "/python/";
const here = dirname(fileURLToPath(import.meta.url));
/** Beside `src` and `dist` alike. */
const ownFolder = resolve(here, "../../python/tequio");
/** Not in tabs: the client. */
const ownLeftOut = /^_client\//;

const fromPackage = {
  loader: ["pyodide.mjs", "text/javascript"],
  engine: ["pyodide.asm.mjs", "text/javascript"],
  wasm: ["pyodide.asm.wasm", "application/wasm"],
  library: ["python_stdlib.zip", "application/zip"],
} as const;
type Name = keyof PythonIndex["files"];

type Served = {
  readonly type: string;
  readonly read: () => Promise<Buffer>;
  /** What `read` gives is so already, and is sent so alone. */
  readonly isGzip?: true;
};
type Opened = {
  readonly index: string;
  readonly files: ReadonlyMap<string, Served>;
  readonly snapshot: Served;
};

/** Where the package lies; null when it is not installed, or is of another release. */
export function pyodideFolder(): string | null {
  try {
    const path = createRequire(import.meta.url).resolve("pyodide/package.json");
    const { version } = JSON.parse(readFileSync(path, "utf8")) as { version: string };
    return version.startsWith(`${pyodideRelease}.`) ? dirname(path) : null;
  } catch {
    return null;
  }
}

/** `cache`: the folder in which snapshots are kept; null = there is none. */
export function openTabPython(
  cache: string | null,
  folder: string | null = pyodideFolder(),
): TabPython {
  let opened: Opened | null = null;
  return {
    handle(request, response) {
      const [path = ""] = (request.url ?? "").split("?", 1);
      if (!path.startsWith(prefix) || folder === null) return false;
      if (request.method !== "GET") return false;
      opened ??= open(folder, cache);
      if (path === pythonIndexPath) {
        const headers = { "content-type": "application/json", "cache-control": "no-cache" };
        response.writeHead(200, headers).end(opened.index);
        // What asks for the index comes for it next.
        opened.snapshot.read().catch(() => {});
        return true;
      }
      const file = opened.files.get(path);
      if (file === undefined) return false;
      void send(file, request, response);
      return true;
    },
  };
}

function open(folder: string, cache: string | null): Opened {
  const modules = ownModules();
  const own = Buffer.from(JSON.stringify(modules));
  const read = <T>(name: string) => JSON.parse(readFileSync(join(folder, name), "utf8")) as T;
  const lock = read<{ readonly info: { readonly python: string } }>("pyodide-lock.json");
  const { version: release } = read<{ readonly version: string }>("package.json");
  const digest = createHash("sha256")
    .update(JSON.stringify([release, snapshotRecipe]))
    .update(own)
    .digest("hex")
    .slice(0, 16);
  const files = new Map<string, Served>();
  const paths = {} as Record<Name, string>;
  const add = (name: Name, file: string, served: Served) => {
    paths[name] = `${prefix}${digest}/${file}`;
    files.set(paths[name], served);
  };
  for (const [name, [file, type]] of Object.entries(fromPackage)) {
    add(name as Name, file, { type, read: () => readFile(join(folder, file)) });
  }
  add("own", "own.json", { type: "application/json", read: async () => own });
  const snapshots = new PythonSnapshots({ cache, digest, folder, own: modules });
  const type = "application/octet-stream";
  const snapshot: Served = { type, read: () => snapshots.gzipped(), isGzip: true };
  const snapshotPath = `${prefix}${digest}/snapshot`;
  files.set(snapshotPath, snapshot);
  const index: PythonIndex = {
    version: lock.info.python,
    release,
    files: paths,
    snapshot: snapshotPath,
    lock: { info: lock.info, packages: {} },
  };
  return { index: JSON.stringify(index), files, snapshot };
}

function ownModules(): Record<string, string> {
  const names = readdirSync(ownFolder, { recursive: true, encoding: "utf8" })
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => name.endsWith(".py") && !ownLeftOut.test(name));
  const modules = names
    .sort()
    .map((name) => [`tequio/${name}`, readFileSync(join(ownFolder, name), "utf8")]);
  return Object.fromEntries(modules) as Record<string, string>;
}

const compressed = new Map<Served, Promise<Buffer>>();

async function send(
  served: Served,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const isTaken = /\bgzip\b/.test(String(request.headers["accept-encoding"] ?? ""));
    if (served.isGzip && !isTaken) {
      response.writeHead(406).end();
      return;
    }
    const isSmall = isTaken && !served.isGzip;
    if (isSmall && !compressed.has(served)) {
      compressed.set(served, served.read().then(promisify(gzip)));
    }
    const body = await (isSmall ? (compressed.get(served) as Promise<Buffer>) : served.read());
    response.writeHead(200, {
      "content-type": served.type,
      "content-length": String(body.length),
      "cache-control": "public, max-age=31536000, immutable",
      "x-content-type-options": "nosniff",
      vary: "accept-encoding",
      ...(isTaken ? { "content-encoding": "gzip" } : {}),
    });
    response.end(body);
  } catch (error) {
    compressed.delete(served);
    if (error instanceof ClusterError) response.writeHead(503).end(error.message);
    else response.destroy();
  }
}
