/** Which globals job code has: the same on every engine. Globals and members of them that only some
 *  engines have are removed, and the error for using a global says what to use instead. */
import { knownMembers } from "./members.ts";
import { refuseNetwork } from "./pins/network.ts";

/** Defined by the language. */
const language = (
  "AggregateError Array ArrayBuffer AsyncDisposableStack Atomics BigInt BigInt64Array " +
  "BigUint64Array Boolean DataView Date DisposableStack Error EvalError FinalizationRegistry " +
  "Float16Array Float32Array Float64Array Function Infinity Int16Array Int32Array Int8Array Intl " +
  "Iterator JSON Map Math NaN Number Object Promise Proxy RangeError ReferenceError Reflect " +
  "RegExp Set String SuppressedError Symbol SyntaxError TypeError URIError Uint16Array " +
  "Uint32Array Uint8Array Uint8ClampedArray WeakMap WeakRef WeakSet decodeURI " +
  "decodeURIComponent encodeURI encodeURIComponent escape eval globalThis isFinite isNaN " +
  "parseFloat parseInt undefined unescape"
).split(" ");
/** Also present on all engines. */
const common = (
  "AbortController AbortSignal Blob Buffer ByteLengthQueuingStrategy CloseEvent " +
  "CompressionStream CountQueuingStrategy Crypto CustomEvent DOMException DecompressionStream " +
  "Event EventTarget File FormData Headers MessageChannel MessageEvent MessagePort Performance " +
  "ReadableByteStreamController ReadableStream ReadableStreamBYOBReader " +
  "ReadableStreamBYOBRequest ReadableStreamDefaultController ReadableStreamDefaultReader " +
  "Request Response TextDecoder TextDecoderStream TextEncoder TextEncoderStream TransformStream " +
  "TransformStreamDefaultController URL URLPattern URLSearchParams WebAssembly WebSocket " +
  "WritableStream WritableStreamDefaultController WritableStreamDefaultWriter atob btoa " +
  "clearInterval clearTimeout console crypto fetch performance queueMicrotask setInterval " +
  "setTimeout structuredClone"
).split(" ");

export const globalNames: readonly string[] = [...language, ...common].sort();

/** What to use in place of a global that was removed. */
const instead: Readonly<Record<string, string>> = {
  process: "throw an error to fail a task, return to end it; values come by `params`",
  setImmediate: "use setTimeout or queueMicrotask",
  clearImmediate: "use clearTimeout",
  global: "use globalThis",
  self: "use globalThis",
  window: "use globalThis",
  require: "use import; it is bundled when the job is submitted",
  Temporal: "use Date, in UTC, or bundle a package such as temporal-polyfill",
  XMLHttpRequest: "job code has no network; give what it reads as an input",
  EventSource: "job code has no network; give what it reads as an input",
  indexedDB: "job code has no storage; return or emit what is to be kept",
  close: "return to end the task, or throw",
  postMessage: "return or emit the output",
  SharedArrayBuffer: "use ArrayBuffer; a task has one thread",
  Worker: "a task has one thread; make more tasks",
};
const text = /^(?:Can't find variable: )?([A-Za-z]+)(?: is not defined)?$/;

/** A hint for an error that names a global which job code does not have; "" otherwise. */
export function absentHint(thrown: unknown): string {
  if (!(thrown instanceof ReferenceError) || typeof thrown.message !== "string") return "";
  const name = text.exec(thrown.message)?.[1] ?? "";
  const what = Object.hasOwn(instead, name) ? instead[name] : undefined;
  if (what === undefined) return "";
  return `: job code has no ${name} on any engine; ${what} (docs/environment.md)`;
}

type Taken = { readonly of: object; readonly name: string; readonly was: PropertyDescriptor };

type EvenOptions = {
  /** The version of what Node has `fetch` from, "" elsewhere. Default: that of this engine. */
  readonly undici?: string;
  /** What Node would have to read in order to restore it is lost. Default: all is restored. */
  readonly isForGood?: boolean;
};

/** Removes the globals and the members that are not listed, and refuses the network. Returns a
 *  function that restores them. */
export function evenGlobals(options: EvenOptions = {}): () => void {
  const { undici = undiciHere(), isForGood = false } = options;
  const taken: Taken[] = [];
  const kept = new Set(globalNames);
  for (const of of chainOf(globalThis)) {
    for (const name of Object.getOwnPropertyNames(of)) {
      if (!kept.has(name) && !isOfAll(of, name)) take(of, name, taken);
    }
  }
  for (const { of, members } of knownMembers(undici)) {
    for (const name of Object.getOwnPropertyNames(of)) {
      const isKept = members.has(name) || name.startsWith("_");
      if (!isKept && Object.getOwnPropertyDescriptor(of, name)?.configurable) take(of, name, taken);
    }
  }
  const restoreNetwork = refuseNetwork(isForGood && undici !== "");
  return () => {
    restoreNetwork();
    for (const { of, name, was } of taken.reverse()) Object.defineProperty(of, name, was);
  };
}

/** The same while it runs: for the top of a job file in a realm that also does other things. */
export async function withEvenGlobals<T>(use: () => Promise<T>): Promise<T> {
  const restore = evenGlobals();
  try {
    return await use();
  } finally {
    restore();
  }
}

/** The version of what Node has `fetch` from; "" elsewhere. To be asked before `process` goes. */
function undiciHere(): string {
  const { process } = globalThis as { process?: { versions?: { undici?: string } } };
  return process?.versions?.undici ?? "";
}

/** The global object and the prototypes that only it has, not those shared with other objects. */
function chainOf(global: object): object[] {
  const chain: object[] = [];
  const shared: readonly unknown[] = [Object.prototype, EventTarget.prototype];
  for (let of: object | null = global; of !== null; of = Object.getPrototypeOf(of)) {
    if (shared.includes(of)) break;
    chain.push(of);
  }
  return chain;
}

function isOfAll(of: object, name: string): boolean {
  return name === "constructor" && of !== globalThis;
}

function take(of: object, name: string, taken: Taken[]): void {
  const was = Object.getOwnPropertyDescriptor(of, name);
  if (was === undefined) return;
  if (!was.configurable) {
    // The name stays where it is inherited from, and its value here is undefined.
    const nothing = { value: undefined, configurable: true };
    if (of !== globalThis) Object.defineProperty(globalThis, name, nothing);
    return;
  }
  taken.push({ of, name, was });
  delete (of as Record<string, unknown>)[name];
}
