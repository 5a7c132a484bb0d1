/** Starts Pyodide in a task's Worker: from what was handed over, since there is no network, and
 *  from a memory snapshot when there is one. */
import { pinZone } from "../../../../environment/pins/zone.ts";
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

/** As around a task process; hashes of text are the same in all Workers. */
const environment = {
  HOME: "/task",
  LANG: "C.UTF-8",
  MKL_NUM_THREADS: "1",
  OMP_NUM_THREADS: "1",
  OPENBLAS_NUM_THREADS: "1",
  PATH: "/usr/bin:/bin",
  PYTHONDONTWRITEBYTECODE: "1",
  PYTHONHASHSEED: "0",
  PYTHONUTF8: "1",
  TZ: "UTC",
};

/** What `pyodide.mjs` asks for lies below it; nothing is fetched. */
const place = "https://python.invalid/";
const ownFolder = "/tequio/python";

/** The snapshot has the modules; files are written again. */
const load = (module: string) => `
import sys
sys.path.append(${JSON.stringify(ownFolder)})
import ${module}
sys.path.pop()
`;

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
      env: { ...environment },
      ...(snapshot === null ? {} : { _loadSnapshot: snapshot }),
      ...(snapshot === null && taken !== null ? { _makeSnapshot: true } : {}),
    }),
  );
  for (const [path, text] of Object.entries(own)) {
    const file = `${ownFolder}/${path}`;
    python.FS.mkdirTree(file.slice(0, file.lastIndexOf("/")));
    python.FS.writeFile(file, text);
  }
  python.FS.mkdirTree("/task");
  if (snapshot !== null) return python;
  python.runPython(load(first));
  taken?.(python.makeMemorySnapshot());
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
    const zone = (...places: readonly [number, number, number, number]) => {
      if (memory !== null) setUtc(memory, places);
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

/** The C library's `tzset`: seconds west of Greenwich, whether there is a summer time, and the
 *  names of both zones. Pyodide's own would name it after its offset, `UTC-0000`. */
function setUtc(
  { buffer }: WebAssembly.Memory,
  [west, summer, ...names]: readonly [number, number, number, number],
): void {
  const view = new DataView(buffer);
  view.setUint32(west >>> 0, 0, true);
  view.setUint32(summer >>> 0, 0, true);
  for (const name of names)
    new Uint8Array(buffer).set(new TextEncoder().encode("UTC\0"), name >>> 0);
}
