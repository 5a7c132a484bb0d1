/** Lists of tasks that a WebAssembly module computes, wherever JavaScript jobs run: in Node workers
 *  and in tabs. Each item gets an instance of its own; `environment/module.ts` says what a module
 *  must export, and may import. */
import { compileModule, type Module, runModule } from "../environment/module.ts";
import { type Job, tasks } from "./job.ts";

export type ModuleOptions = {
  readonly name?: string;
  /** The module, in base64. */
  readonly module: string;
  /** Texts; the module gets their UTF-8. */
  readonly items: readonly string[];
  /** Limit of one attempt in ms; default 0 = none. */
  readonly timeoutMs?: number;
};

/** UTF-8 as text, other bytes as base64; null = it sent nothing, a list = it sent several. */
export type ModuleResult = Sent | null | readonly Sent[];
type Sent = string | { readonly base64: string };

export function moduleTasks({ items, module, name, timeoutMs = 0 }: ModuleOptions): Job {
  // Compiled once where it runs, however many items there are.
  let compiled: Module | null = null;
  const run = (item: string): ModuleResult => {
    compiled ??= compile(module);
    const results = runModule(compiled, new TextEncoder().encode(item)).map(shown);
    return results.length > 1 ? results : (results[0] ?? null);
  };
  return tasks({ items, run, timeoutMs, ...(name === undefined ? {} : { name }) });
}

function compile(base64: string): Module {
  return compileModule(Uint8Array.from(atob(base64), (one) => one.charCodeAt(0)));
}

function shown(bytes: Uint8Array): Sent {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    let text = "";
    for (const byte of bytes) text += String.fromCharCode(byte);
    return { base64: btoa(text) };
  }
}
