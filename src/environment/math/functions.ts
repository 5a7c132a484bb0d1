/** One `Math` for all engines: the functions whose last digits the language leaves open. */
import { hypot } from "./hypot.ts";
import { wasmBase64 } from "./math-wasm.ts";

type Engine = {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
};
/** Every engine has it, but the ECMAScript library of this compilation does not declare it. */
const engine = (globalThis as unknown as { WebAssembly: Engine }).WebAssembly;

type MathFunction = (...values: number[]) => number;
type Functions = Readonly<Record<string, MathFunction>>;

/** Those of the WebAssembly module. */
export const compiledNames = (
  "acos acosh asin asinh atan atan2 atanh cbrt cos cosh exp expm1 log log10 log1p log2 sin sinh " +
  "tan tanh"
).split(" ");
/** What `abs`, `sqrt`, `pow` and the rest give is the same in all engines that are tested. */
export const exactNames: readonly string[] = [...compiledNames, "hypot"];

const native = Object.fromEntries(
  exactNames.map((name) => [name, Reflect.get(Math, name) as MathFunction]),
);
let exact: Functions | null = null;

/** The functions in arithmetic that is the same on every engine. */
export function exactFunctions(): Functions {
  exact ??= instantiate();
  return exact;
}

/** Replaces the functions of this realm's `Math`. */
export function useMath(which: "exact" | "native"): void {
  const functions = which === "exact" ? exactFunctions() : native;
  for (const name of exactNames) {
    if (Reflect.get(Math, name) === functions[name]) continue;
    const value = functions[name];
    Object.defineProperty(Math, name, { value, writable: true, configurable: true });
  }
}

function instantiate(): Functions {
  const bytes = Uint8Array.from(atob(wasmBase64), (character) => character.charCodeAt(0));
  const { exports } = new engine.Instance(new engine.Module(bytes), {});
  for (const name of compiledNames) {
    // Otherwise the names of exported functions are numbers.
    Object.defineProperty(Reflect.get(exports, name), "name", { value: name, configurable: true });
  }
  return { ...(exports as unknown as Functions), hypot };
}
