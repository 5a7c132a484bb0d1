/** Runs WebAssembly modules of the manager protocol (kind 0, ABI 0.1.0): what a module has around
 *  it. Apart, as it runs in task processes as well as in jobs that bundle a module.
 *
 *  The module exports `memory` and `run() -> i64`, below 0 = failed. It imports from `env` what it
 *  uses of: `host_get_argument_len() -> i32`, `host_get_argument(at, length) -> i64`,
 *  `host_send_result(at, length) -> i64`, and to look at what it has sent, `host_get_results_len`,
 *  `host_get_result_len(i)`, `host_get_result(i, at, length)`; `mark(i64)`, `sleep_secs(i64)` and
 *  `double_host(i32)` as existing modules have them. */

export type Module = { readonly imports?: never };
type Exports = { readonly memory: { readonly buffer: ArrayBuffer }; run(): bigint };
type Engine = {
  readonly Module: new (bytes: Uint8Array) => Module;
  readonly Instance: new (
    module: Module,
    imports: object,
  ) => { readonly exports: Partial<Exports> };
};

/** Taken before job code has a realm without it: one cell to wait on. */
const cell =
  typeof SharedArrayBuffer === "function" ? new Int32Array(new SharedArrayBuffer(4)) : null;

/** Throws when there is no WebAssembly here, or these bytes are no module. */
export function compileModule(bytes: Uint8Array): Module {
  return new (engine().Module)(bytes);
}

/** Runs it once, in an instance of its own. Returns all that it has sent, in order; throws when it
 *  fails. */
export function runModule(module: Module, argument: Uint8Array): Uint8Array[] {
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
    host_get_results_len: () => eitherInt(sent.length),
    host_get_result_len: (i: number) => eitherInt(sent[i]?.length ?? -1),
    host_get_result: (i: number, at: number, length: number) => give(sent[i], at, length),
    double_host: (value: number) => value * 2,
    mark: () => {},
    sleep_secs: (seconds: bigint | number) => sleep(Number(seconds) * 1000),
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
  return sent;
}

function engine(): Engine {
  const found = (globalThis as unknown as { WebAssembly?: Engine }).WebAssembly;
  if (found === undefined) throw new Error("there is no WebAssembly here");
  return found;
}

/** Modules declare these results as i32 or as i64; a decimal text becomes either. */
function eitherInt(value: number): string {
  return String(value);
}

/** The clock of job code may stand still, and this file is part of jobs that bundle a module. */
function runningMs(): number {
  const { Event: Made } = globalThis as unknown as {
    readonly Event: new (name: string) => { readonly timeStamp: number };
  };
  return new Made("now").timeStamp;
}

/** Blocks, as the module expects; the limit of the attempt ends it, too. */
function sleep(durationMs: number): void {
  const untilMs = runningMs() + durationMs;
  for (let leftMs = durationMs; leftMs > 0; leftMs = untilMs - runningMs()) {
    if (cell !== null) Atomics.wait(cell, 0, 0, leftMs);
  }
}
