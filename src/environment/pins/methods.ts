/** Methods that the product's code shares with job code, since both run in one realm: they cannot
 *  be replaced. A task whose job had replaced `push` would compute, and never report. */

const shared: readonly object[] = [Array.prototype, JSON];
/** Inheriting objects may have one of their own, by assignment. */
const left: ReadonlySet<PropertyKey> = new Set(["constructor", "toString", "toLocaleString"]);

/** From now on replacing one is a TypeError; adding further methods is not. */
export function lockMethods(): void {
  for (const target of shared) {
    for (const name of Reflect.ownKeys(target)) {
      const isMethod = typeof Reflect.getOwnPropertyDescriptor(target, name)?.value === "function";
      if (!isMethod || left.has(name)) continue;
      Object.defineProperty(target, name, { writable: false, configurable: false });
    }
  }
}
