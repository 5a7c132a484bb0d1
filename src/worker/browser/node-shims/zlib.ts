/** `node:zlib` in a tab, as far as kernels use it. */
export { crc32 } from "../../../wire/block/crc32.ts";
