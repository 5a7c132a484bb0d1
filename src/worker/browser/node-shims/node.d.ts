/** Names of Node that kernels use, as a tab has them: the compiler then refuses all others. */
type Buffer = import("./tab-buffer.ts").TabBuffer;
declare const Buffer: typeof import("./tab-buffer.ts").TabBuffer;
declare namespace NodeJS {
  type ErrnoException = Error & { readonly code?: string; readonly errno?: number };
}
