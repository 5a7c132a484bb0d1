/** A thread that starts Python as a tab's Worker would, and gives its memory. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parentPort, workerData } from "node:worker_threads";
import {
  loadingOf,
  pythonEnvironment,
  setUtc,
  taskModule,
  writePython,
  type ZonePlaces,
} from "../../wire/browser/python-begin.ts";

export type SnapshotOrder = {
  /** Of the package. */
  readonly folder: string;
  /** The modules of ours, by their paths. */
  readonly own: Readonly<Record<string, string>>;
};

/** What of Pyodide is used here. */
type Pyodide = {
  readonly FS: Parameters<typeof writePython>[0];
  runPython(code: string): unknown;
  makeMemorySnapshot(): Uint8Array<ArrayBuffer>;
};
type Loader = { loadPyodide(options: object): Promise<Pyodide> };
type Imports = { readonly env?: object };
type Instantiated = { readonly instance: { readonly exports: { readonly memory: Memory } } };
type Memory = { readonly buffer: ArrayBuffer };
type Instantiate = (module: unknown, imports?: Imports) => Promise<Instantiated>;

const { folder, own } = workerData as SnapshotOrder;
await take();

async function take(): Promise<void> {
  inUtc();
  const { loadPyodide } = (await import(pathToFileURL(join(folder, "pyodide.mjs")).href)) as Loader;
  const python = await loadPyodide({
    indexURL: folder,
    // As a browser calls it; Node would give its own name.
    _sysExecutable: "./this.program",
    env: { ...pythonEnvironment },
    _makeSnapshot: true,
  });
  writePython(python.FS, own);
  python.runPython(loadingOf(taskModule));
  const bytes = python.makeMemorySnapshot();
  parentPort?.postMessage(bytes, [bytes.buffer]);
}

/** The zone of tabs, whatever this machine's is. */
function inUtc(): void {
  const assembly = (globalThis as unknown as { WebAssembly: { instantiate: Instantiate } })
    .WebAssembly;
  const { instantiate } = assembly;
  assembly.instantiate = async (module, imports) => {
    if (imports?.env === undefined) return instantiate(module, imports);
    let memory: Memory | null = null;
    const zone = (...places: ZonePlaces) => {
      if (memory !== null) setUtc(memory.buffer, places);
    };
    Object.assign(imports.env, { _tzset_js: zone });
    const made = await instantiate(module, imports);
    memory = made.instance.exports.memory;
    return made;
  };
}
