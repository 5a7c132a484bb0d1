/** Opens what job code has left as its output. */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { ClusterError } from "../../core/error.ts";

/** Refuses links and what is no regular file: job code made it, and could have pointed
 *  elsewhere. */
export async function openOutput(path: string) {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw new ClusterError("task-crashed", "the task left something that is no file as its output");
}
