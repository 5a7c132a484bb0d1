/** How Python starts in tabs: a memory snapshot that the gateway makes is of the very start that a
 *  tab's Worker would make itself. */

/** As around a task process; hashes of text are the same in all Workers. */
export const pythonEnvironment = {
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
} as const;

/** Where the modules of ours lie. */
export const pythonFolder = "/tequio/python";
/** What runs tasks: loaded before the snapshot is taken. */
export const taskModule = "tequio._tab.process";

/** Loads a module of ours; nothing happens when the snapshot has it. */
export const loadingOf = (module: string): string => `
import sys
sys.path.append(${JSON.stringify(pythonFolder)})
import ${module}
sys.path.pop()
`;

/** Files as Pyodide has them. */
type Files = {
  mkdirTree(path: string): void;
  writeFile(path: string, data: string): void;
};

/** `own`: the modules of ours by their paths. A snapshot has them loaded, but has no files. */
export function writePython(files: Files, own: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(own)) {
    const file = `${pythonFolder}/${path}`;
    files.mkdirTree(file.slice(0, file.lastIndexOf("/")));
    files.writeFile(file, text);
  }
  files.mkdirTree("/task");
}

/** The C library's `tzset`: addresses of the seconds west of Greenwich, of whether there is a
 *  summer time, and of the names of both zones. */
export type ZonePlaces = readonly [number, number, number, number];

/** Pyodide's own `tzset` would name the zone after its offset, `UTC-0000`. */
export function setUtc(memory: ArrayBuffer, [west, summer, ...names]: ZonePlaces): void {
  const view = new DataView(memory);
  view.setUint32(west >>> 0, 0, true);
  view.setUint32(summer >>> 0, 0, true);
  // "UTC" and its end.
  for (const name of names) view.setUint32(name >>> 0, 0x435455, true);
}
