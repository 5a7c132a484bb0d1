/** Python in the Worker of the Try page, where one job file is looked at or run. */
import type { PythonFiles } from "../../../../wire/browser/python-index.ts";
import { narrow } from "../narrow.ts";
import { type Pyodide, startPython } from "./engine.ts";

/** From here on the Worker has what a task's Worker has. */
export async function startPagePython({ wasm, ...files }: PythonFiles): Promise<Pyodide> {
  narrow();
  const module = await WebAssembly.compile(wasm as Uint8Array<ArrayBuffer>);
  const first = "tequio._page.trial";
  return startPython({ ...files, module }, { first, taken: null });
}
