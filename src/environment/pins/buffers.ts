/** `Buffer` of job code: memory of its own for each, and zero at first. In Node small ones share
 *  memory, so that `.buffer` would show what other code, or another task, left in it; and no tab
 *  could give the same. */

type Makes = (sizeBytes: number) => Uint8Array;
type Kind = {
  poolSize: number;
  alloc: Makes;
  allocUnsafe: Makes;
  allocUnsafeSlow: Makes;
};

export function pinBuffers(): void {
  const { Buffer: of } = globalThis as unknown as { readonly Buffer?: Kind };
  if (of === undefined) return;
  of.poolSize = 0;
  const { alloc } = of;
  const zeroed: Makes = (sizeBytes) => alloc.call(of, sizeBytes);
  for (const name of ["allocUnsafe", "allocUnsafeSlow"] as const) {
    Object.defineProperty(of, name, { value: zeroed, writable: true, configurable: true });
  }
}
