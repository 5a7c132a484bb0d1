/** The JobTracker of the filesystem protocol inside `tequio up`, `tequio fs` and `tequio join`: a
 *  client of a coordinator, in this process or elsewhere, as any other. */
import { join } from "node:path";
import { nearBlobs } from "../../../client/near-blobs.ts";
import type { Coordinator } from "../../../coordinator/coordinator.ts";
import type { WorkerServing } from "../../../jobtracker/worker.ts";
import { advertisedHost } from "../../../peer/advertised.ts";
import type { ConnectOptions } from "../../../sdk/client.ts";
import { localUrl } from "../join-line.ts";
import type { JobtrackerFlags } from "./filesystem-options.ts";

export type JobtrackerParts = {
  /** The coordinator that computes. */
  readonly target: ConnectOptions;
  /** Where it keeps the jobs that it has taken. */
  readonly dir: string;
  /** The file system and the register that lie beside it. */
  readonly beside: Pick<Coordinator, "filesystem" | "register">;
};

/** Beside a coordinator of this process, which computes unless `target` does. */
export function besideCoordinator(
  coordinator: Coordinator,
  dataDir: string,
  target?: ConnectOptions,
): JobtrackerParts {
  const { adminToken: token, fingerprint } = coordinator;
  const own = { url: localUrl(coordinator.url), token, fingerprint, ...nearBlobs(dataDir) };
  return { target: target ?? own, dir: join(dataDir, "filesystem"), beside: coordinator };
}

/** Null when it is not asked for. It goes on with the jobs that it has taken before. */
export async function openJobtracker(
  flags: JobtrackerFlags,
  { beside, dir, target }: JobtrackerParts,
): Promise<WorkerServing | null> {
  const { jobtracker, jobtrackerFilesystem = [], jobtrackerWorkers = [] } = flags;
  if (jobtracker === undefined) return null;
  const [{ serveWorker }, { Client }] = await Promise.all([
    import("../../../jobtracker/worker.ts"),
    import("../../../sdk/client.ts"),
  ]);
  const { filesystem, register } = beside;
  const { jobtrackerFindWorkers: findsWorkers = false, jobtrackerTaskLimit: taskMaxMs } = flags;
  const client = new Client(target);
  const serving = await serveWorker(
    {
      ...jobtracker,
      filesystems: jobtrackerFilesystem,
      workers: jobtrackerWorkers,
      findsWorkers,
      ...(taskMaxMs === undefined ? {} : { taskMaxMs }),
      // The register listens here, too, whatever address others know it by.
      register: register === null ? null : { ...register, host: advertisedHost(register.host) },
    },
    {
      client,
      dir,
      own: filesystem === null ? null : { at: filesystem.advertised, near: filesystem.near },
      onNews: (text) => console.error(text),
      onError: (error) => console.error(error),
    },
  );
  register?.setOwnWorker(serving.advertised);
  return {
    ...serving,
    async close() {
      register?.setOwnWorker(null);
      await serving.close();
      client.close();
    },
  };
}
