/** WebAssembly, as far as it is used: every engine has it, and no ECMAScript library that this
 *  compiles with. The same in Node and in tabs. */

export type Memory = { readonly buffer: ArrayBuffer };
type Module = { readonly imports?: never };
type Imports = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

const engine = (globalThis as unknown as { WebAssembly: Engine }).WebAssembly;
type Engine = {
  readonly Module: new (bytes: Uint8Array) => Module;
  readonly Instance: new (module: Module, imports: Imports) => { readonly exports: unknown };
};

export type Kernel<Exports> = (imports: Imports) => Exports & { readonly memory: Memory };

/** Compiles a kernel when it is first asked for. */
export function kernelOf<Exports>(base64: string): Kernel<Exports> {
  let module: Module | null = null;
  return (imports) => {
    module ??= new engine.Module(Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0)));
    return new engine.Instance(module, imports).exports as Exports & { readonly memory: Memory };
  };
}
