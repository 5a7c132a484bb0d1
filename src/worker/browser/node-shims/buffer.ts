/** `node:buffer` in a tab, as far as kernels use it. */
export { isAscii } from "./ascii.ts";
