/** `node:crypto` in a tab, as far as kernels use it. */
import { Sha256 } from "./sha256.ts";

export type Hash = Sha256;

export function createHash(_algorithm: "sha256"): Hash {
  return new Sha256();
}
