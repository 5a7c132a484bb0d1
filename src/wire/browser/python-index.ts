/** What a gateway says of the Python that it has for tabs. */

export const pythonIndexPath = "/python/index.json";

/** The answer to `GET /python/index.json`; 404 where there is none. */
export type PythonIndex = {
  /** Of the language, as 3.14.2. */
  readonly version: string;
  /** Of Pyodide. */
  readonly release: string;
  /** Their paths, which carry a digest of all: what one names never changes. `own`: JSON of the
   *  modules that run tasks, by their paths. */
  readonly files: Readonly<Record<"loader" | "engine" | "wasm" | "library" | "own", string>>;
  /** Path of the memory of a Python that has started, which the gateway has made itself: its answer
   *  may take some seconds the first time, and is 503 where it cannot. A tab does without then. */
  readonly snapshot?: string;
  /** Of Pyodide's lock file what it needs to start. */
  readonly lock: { readonly info: object; readonly packages: object };
};

/** The Python of tabs as its gateway serves it, fetched once in the life of a page. */
export type PythonFiles = {
  /** ES modules of Pyodide: what starts it, and the engine's JavaScript. */
  readonly loader: string;
  readonly engine: string;
  readonly wasm: Uint8Array;
  /** Zip of the standard library. */
  readonly library: Uint8Array;
  /** Of Pyodide's lock file what it needs to start, as JSON: no package is loaded by it. */
  readonly lock: string;
  /** The modules of ours that run tasks, by their paths. */
  readonly own: Readonly<Record<string, string>>;
  /** The memory of a Python that had started, before any job code; null where there is none. */
  readonly snapshot: Uint8Array | null;
};
