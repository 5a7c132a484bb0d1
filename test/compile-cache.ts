/** Where Node keeps compiled code: the processes of tests, hundreds of them, load the same sources,
 *  and some have temporary files or an environment of their own. */
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The place that `module.enableCompileCache()` uses. */
export const compileCache = { NODE_COMPILE_CACHE: join(tmpdir(), "node-compile-cache") } as const;
