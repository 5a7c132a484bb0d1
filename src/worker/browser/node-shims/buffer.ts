/** `node:buffer` in a tab, as far as kernels use it. */
export { isAscii, isUtf8 } from "./ascii.ts";
