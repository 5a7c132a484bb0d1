/** Optional packages, loaded when they are first needed. */
import { ClusterError } from "../core/error.ts";

/** Returns a function that loads once, and again after a failure. It rejects with `unavailable` and
 *  what `problem` says of the code of the failure, such as `ERR_MODULE_NOT_FOUND`; "" = it has
 *  none. */
export function loadOnce<T>(
  load: () => Promise<T>,
  problem: (code: string, cause: Error) => string,
): () => Promise<T> {
  let loading: Promise<T> | null = null;
  return () => {
    loading ??= load().catch((cause) => {
      loading = null;
      const { code = "" } = cause as { code?: string };
      throw new ClusterError("unavailable", problem(code, cause as Error), { cause });
    });
    return loading;
  };
}
