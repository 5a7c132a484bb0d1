/** The signer of S3 calls, loaded when blobs lie in S3. */
import { loadOnce } from "../../link/load-once.ts";

export type Signing = typeof import("aws4fetch");

export const installLine = "npm install aws4fetch@1";

/** Throws `unavailable` with what to install. */
export const loadSigner = loadOnce(
  (): Promise<Signing> => import("aws4fetch"),
  (code, { message }) => {
    const why =
      code === "ERR_MODULE_NOT_FOUND"
        ? "is not installed"
        : `cannot be loaded (${code === "" ? message : code})`;
    return `blobs in S3 need the package aws4fetch, which ${why}; install it: ${installLine}`;
  },
);
