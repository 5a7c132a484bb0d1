/** Starts Pyodide in a task's Worker: from what was handed over, since there is no network, and
 *  from a memory snapshot when there is one. */
import { pinZone } from "../../../../environment/pins/zone.ts";
import {
  loadingOf,
  pythonEnvironment,
  setUtc,
  writePython,
  type ZonePlaces,
} from "../../../../wire/browser/python-begin.ts";
import type { PythonStart } from "../../contract.ts";

/** What of Pyodide is used here. */
export type Pyodide = {
  readonly FS: PyodideFiles;
  runPython(code: string): unknown;
  pyimport(name: string): unknown;
  makeMemorySnapshot(): Uint8Array;
};

export type PyodideFiles = {
  mkdirTree(path: string): void;
  writeFile(path: string, data: string | Uint8Array, options?: { canOwn: boolean }): void;
  readFile(path: string): Uint8Array;
  analyzePath(path: string): { readonly exists: boolean };
  unlink(path: string): void;
};

/** As of `python/tequio/_tab/process.py`. */
export type RunPython = (order: string, source: unknown, breathe: () => void) => void;

type Loader = { loadPyodide(options: object): Promise<Pyodide> };

/** What `pyodide.mjs` asks for lies below it; nothing is fetched. */
const place = "https://python.invalid/";

/** `first`: the module that is loaded before a snapshot is taken. `taken` gets the snapshot of a
 *  start without one; null: none is taken. */
export type PythonBegin = {
  readonly first: string;
  readonly taken: ((snapshot: Uint8Array) => void) | null;
};

export async function startPython(
  start: PythonStart,
  { first, taken }: PythonBegin,
): Promise<Pyodide> {
  const { engine, loader, library, lock, own, snapshot } = start;
  pinZone();
  // A Worker that loads scripts in the old way is refused by Pyodide, which then does not need to.
  Object.defineProperty(globalThis, "importScripts", { value: undefined });
  const [{ loadPyodide }, { default: createPyodideModule }] = await Promise.all([
    imported(loader) as Promise<Loader>,
    imported(engine) as Promise<{ readonly default: unknown }>,
  ]);
  const python = await handingOver(start.module as WebAssembly.Module, library, () =>
    loadPyodide({
      indexURL: place,
      lockFileContents: lock,
      packageBaseUrl: place,
      createPyodideModule,
      env: { ...pythonEnvironment },
      ...(snapshot === null ? {} : { _loadSnapshot: snapshot }),
      ...(snapshot === null && taken !== null ? { _makeSnapshot: true } : {}),
    }),
  );
  writePython(python.FS, own);
  // One of the gateway may be of another module.
  python.runPython(loadingOf(first));
  if (snapshot === null) taken?.(python.makeMemorySnapshot());
  return python;
}

async function imported(code: string): Promise<unknown> {
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  try {
    return await import(/* @vite-ignore */ url);
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** Answers what Pyodide fetches while it starts. */
async function handingOver<T>(
  module: WebAssembly.Module,
  library: Uint8Array,
  start: () => Promise<T>,
): Promise<T> {
  const { fetch } = globalThis;
  const { instantiateStreaming } = WebAssembly;
  globalThis.fetch = async (url) => {
    const isLibrary = String(url).endsWith(".zip");
    return new Response(isLibrary ? (library as Uint8Array<ArrayBuffer>) : null);
  };
  // It was compiled once for all Workers of the frame.
  WebAssembly.instantiateStreaming = async (_response, imports = {}) => {
    let memory: WebAssembly.Memory | null = null;
    const zone = (...places: ZonePlaces) => {
      if (memory !== null) setUtc(memory.buffer, places);
    };
    Object.assign(imports.env as object, { _tzset_js: zone });
    const instance = await WebAssembly.instantiate(module, imports);
    memory = instance.exports.memory as WebAssembly.Memory;
    return { module, instance };
  };
  try {
    return await start();
  } finally {
    globalThis.fetch = fetch;
    WebAssembly.instantiateStreaming = instantiateStreaming;
  }
}
