/** `fetch` and `WebSocket` of job code: there, because packages look for them, and refused on every
 *  engine. A tab's rules and the strict sandbox would refuse them, too, but later and in words that
 *  do not say why; under the judge nothing else does. */
import { socketWithout } from "./socket.ts";

const why =
  "job code has no network on any engine: give what it reads as an input (docs/environment.md)";

/** Returns a function that restores both. `isForGood`: this realm is one of Node that will not need
 *  its own `WebSocket` again, which is lost then. */
export function refuseNetwork(isForGood: boolean): () => void {
  const restoreFetch = replace("fetch", () => refusedFetch);
  if (isForGood) {
    const value = socketWithout(() => refuse("WebSocket"));
    // The engine looks at what is there before it puts another in its place.
    Reflect.deleteProperty(globalThis, "WebSocket");
    Object.defineProperty(globalThis, "WebSocket", { value, writable: true, configurable: true });
    return restoreFetch;
  }
  const restoreSocket = replace("WebSocket", (own) => {
    if (typeof own !== "function") return own;
    return new Proxy(own, { construct: () => refuse("WebSocket") });
  });
  return () => {
    restoreSocket();
    restoreFetch();
  };
}

function refusedFetch(): Promise<never> {
  return Promise.reject(new TypeError(`fetch: ${why}`));
}
Object.defineProperty(refusedFetch, "name", { value: "fetch" });

function refuse(name: string): never {
  throw new TypeError(`${name}: ${why}`);
}

/** The global is what `by` makes of the engine's own when it is first read. */
function replace(name: string, by: (own: unknown) => unknown): () => void {
  const was = Object.getOwnPropertyDescriptor(globalThis, name);
  const inherited: unknown = was === undefined ? Reflect.get(globalThis, name) : undefined;
  const shape = { configurable: true, enumerable: was?.enumerable ?? false };
  const settle = (value: unknown): void => {
    Object.defineProperty(globalThis, name, { ...shape, value, writable: true });
  };
  const get = () => {
    const made = by(inherited ?? was?.get?.call(globalThis) ?? was?.value);
    settle(made);
    return made;
  };
  Object.defineProperty(globalThis, name, { ...shape, get, set: settle });
  return () => {
    if (was === undefined) Reflect.deleteProperty(globalThis, name);
    else Object.defineProperty(globalThis, name, was);
  };
}
