/** The functions of `math.ts` and two more, for jobs in Python that are to give equal bits. */
export * from "./math";

/** As JavaScript's: callers see to what Python does otherwise. */
export function pow(x: f64, y: f64): f64 {
  return NativeMath.pow(x, y);
}

export function exp2(x: f64): f64 {
  return NativeMath.exp2(x);
}
