/** The JobTracker of the filesystem protocol inside `tequio up`: a client of the coordinator in
 *  this process, as any other. */
import { join } from "node:path";
import type { Coordinator } from "../../../coordinator/coordinator.ts";
import type { WorkerServing } from "../../../jobtracker/worker.ts";
import { advertisedHost } from "../../../peer/advertised.ts";
import { nearBlobs } from "../../connection.ts";
import { localUrl } from "../join-line.ts";
import type { FilesystemFlags } from "./filesystem-options.ts";

/** Null when it is not asked for. It goes on with the jobs that it has taken before. */
export async function openJobtracker(
  flags: FilesystemFlags,
  coordinator: Coordinator,
  dataDir: string,
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
  const client = new Client({ url, token, fingerprint, ...nearBlobs(dataDir) });
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
