/** Lists of tasks that a WebAssembly module computes, wherever JavaScript jobs run: in Node workers
 *  and in tabs.
 *
 *  The module exports `memory` and `run() -> i64`, below 0 = failed. It imports from `env` what it
 *  uses of: `host_get_argument_len() -> i32`, `host_get_argument(at, length) -> i64`,
 *  `host_send_result(at, length) -> i64`, and to look at what it has sent, `host_get_results_len`,
 *  `host_get_result_len(i)`, `host_get_result(i, at, length)`; `mark(i32)` and `double_host(i32)`
 *  as existing modules have them. Each item gets an instance of its own. */
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

type Module = { readonly imports?: never };
type Exports = { readonly memory: { readonly buffer: ArrayBuffer }; run(): bigint };
type Engine = {
  readonly Module: new (bytes: Uint8Array) => Module;
  readonly Instance: new (
    module: Module,
    imports: object,
  ) => { readonly exports: Partial<Exports> };
};

export function moduleTasks({ items, module, name, timeoutMs = 0 }: ModuleOptions): Job {
  // Compiled once where it runs, however many items there are.
  let compiled: Module | null = null;
  const run = (item: string): ModuleResult => {
    compiled ??= compile(module);
    return runModule(compiled, new TextEncoder().encode(item));
  };
  return tasks({ items, run, timeoutMs, ...(name === undefined ? {} : { name }) });
}

function engine(): Engine {
  const found = (globalThis as unknown as { WebAssembly?: Engine }).WebAssembly;
  if (found === undefined) throw new Error("there is no WebAssembly here");
  return found;
}

function compile(base64: string): Module {
  return new (engine().Module)(Uint8Array.from(atob(base64), (one) => one.charCodeAt(0)));
}

function runModule(module: Module, argument: Uint8Array): ModuleResult {
  const sent: Uint8Array[] = [];
  const memory = (at: number, length: number) => {
    const { buffer } = exports.memory as Exports["memory"];
    return new Uint8Array(buffer, at >>> 0, length >>> 0);
  };
  const give = (bytes: Uint8Array | undefined, at: number, length: number): bigint => {
    if (bytes === undefined) return -1n;
    const given = bytes.subarray(0, length >>> 0);
    memory(at, given.length).set(given);
    return BigInt(given.length);
  };
  const env = {
    host_get_argument_len: () => argument.length,
    host_get_argument: (at: number, length: number) => give(argument, at, length),
    host_get_arguments: (at: number, length: number) => give(argument, at, length),
    host_send_result(at: number, length: number) {
      sent.push(memory(at, length).slice());
      return 0n;
    },
    host_get_results_len: () => sent.length,
    host_get_result_len: (i: number) => sent[i]?.length ?? -1,
    host_get_result: (i: number, at: number, length: number) => give(sent[i], at, length),
    double_host: (value: number) => value * 2,
    mark: () => {},
    // Imported by modules of AssemblyScript, unless they are built to use another function.
    abort: () => {
      throw new Error("the module called abort");
    },
  };
  const { exports } = new (engine().Instance)(module, { env });
  if (typeof exports.run !== "function" || exports.memory === undefined) {
    throw new Error("the module must export memory and run() -> i64");
  }
  const code = exports.run();
  if (code < 0) throw new Error(`run() of the module answered ${code}`);
  const results = sent.map(shown);
  return results.length > 1 ? results : (results[0] ?? null);
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
