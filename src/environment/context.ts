/** Whose code runs: the engine's asynchronous context where it has one (Node), which follows code
 *  through timers and promises; elsewhere it is known while the code runs synchronously. */

export type Context<T> = {
  /** Whose code runs from here on, until it is called again: half the price of `run`. Undefined: of
   *  no one. Callers that wait in between make that wait part of it. */
  enterWith(store: T | undefined): void;
  run<A extends unknown[], R>(store: T, use: (...args: A) => R, ...args: A): R;
  /** Undefined: not known, or of no one. */
  getStore(): T | undefined;
};

type Builtin = { readonly AsyncLocalStorage: new <T>() => Context<T> };
type Host = {
  readonly process?: { readonly getBuiltinModule?: (name: string) => Builtin | undefined };
};

/** Taken before job code runs, which has no `process`. */
const builtin = (globalThis as Host).process?.getBuiltinModule?.("node:async_hooks");

export function newContext<T>(): Context<T> {
  return new (builtin?.AsyncLocalStorage ?? SynchronousContext)<T>();
}

class SynchronousContext<T> implements Context<T> {
  #store: T | undefined;

  run<A extends unknown[], R>(store: T, use: (...args: A) => R, ...args: A): R {
    const before = this.#store;
    this.#store = store;
    try {
      return use(...args);
    } finally {
      this.#store = before;
    }
  }

  enterWith(store: T | undefined): void {
    this.#store = store;
  }

  getStore(): T | undefined {
    return this.#store;
  }
}
