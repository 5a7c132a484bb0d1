/** The JobTracker of the filesystem protocol inside `tequio up` and `tequio fs`: a client of a
 *  coordinator, in this process or elsewhere, as any other. */
import { join } from "node:path";
import { nearBlobs } from "../../../client/near-blobs.ts";
import type { Coordinator } from "../../../coordinator/coordinator.ts";
import type { WorkerServing } from "../../../jobtracker/worker.ts";
import { advertisedHost } from "../../../peer/advertised.ts";
import type { ConnectOptions } from "../../../sdk/client.ts";
import { localUrl } from "../join-line.ts";
import type { FilesystemFlags } from "./filesystem-options.ts";

export type JobtrackerParts = {
  /** Whose file system and register are used. */
  readonly coordinator: Coordinator;
  readonly dataDir: string;
  /** The one that computes; default: the same. */
  readonly target?: ConnectOptions;
};

/** Null when it is not asked for. It goes on with the jobs that it has taken before. */
export async function openJobtracker(
  flags: FilesystemFlags,
  { coordinator, dataDir, target }: JobtrackerParts,
): Promise<WorkerServing | null> {
  const { jobtracker, jobtrackerFilesystem = [], jobtrackerWorkers = [] } = flags;
  if (jobtracker === undefined) return null;
  const [{ serveWorker }, { Client }] = await Promise.all([
    import("../../../jobtracker/worker.ts"),
    import("../../../sdk/client.ts"),
  ]);
  const { adminToken: token, filesystem, fingerprint, register } = coordinator;
  const { jobtrackerFindWorkers: findsWorkers = false } = flags;
  const url = localUrl(coordinator.url);
  const own = { url, token, fingerprint, ...nearBlobs(dataDir) };
  const client = new Client(target ?? own);
  const serving = await serveWorker(
    {
      ...jobtracker,
      filesystems: jobtrackerFilesystem,
      workers: jobtrackerWorkers,
      findsWorkers,
      // The register listens here, too, whatever address others know it by.
      register: register === null ? null : { ...register, host: advertisedHost(register.host) },
    },
    {
      client,
      dir: join(dataDir, "filesystem"),
      own: filesystem === null ? null : { at: filesystem.advertised, near: filesystem.near },
      onNews: (text) => console.error(text),
      onError: (error) => console.error(error),
    },
  );
  return {
    ...serving,
    async close() {
      await serving.close();
      client.close();
    },
  };
}
