/** The worker of `tequio join`, in the process that may crash. */
import { createHash } from "node:crypto";
import { join as joinPath, resolve } from "node:path";
import { memoryPerWorker } from "../../../client/memory.ts";
import { packageVersion } from "../../../client/package-version.ts";
import {
  coordinatorUrls,
  dataDirOf,
  readSecret,
  tokenOf,
  tokenOfLink,
} from "../../../client/place.ts";
import { ClusterError } from "../../../core/error.ts";
import type { Failure } from "../../../core/job.ts";
import { makeDirectory } from "../../../store/directory.ts";
import type { FileLock } from "../../../store/log/lock.ts";
import type { Libp2pPlace } from "../../../worker/manager/carrier.ts";
import type { RunningWorker, WorkerIdentity } from "../../../worker/node.ts";
import { plural } from "../../numbers.ts";
import { basicSandboxText } from "../../sandbox-text.ts";
import { recordOf, writeRecord } from "../process/record.ts";
import { forgetIdentity, type IdentityPlace, keepIdentity, keptIdentity } from "./identity.ts";
import { drainMs, Leaving } from "./leaving.ts";
import { isLibp2pAddress, placeOfManager } from "./libp2p.ts";
import type { Tell } from "./news.ts";
import type { JoinOptions } from "./options.ts";
import { refusePlainHttp } from "./plain-http.ts";
import { endsAsMeant } from "./supervise.ts";

/** Between two lines that report how many tasks are done, in ms. */
const tellEveryMs = 10_000;

/** Until Ctrl-C, or until it cannot go on: throws why. */
export async function runWorker(address: string, options: JoinOptions, tell: Tell): Promise<void> {
  const leaving = new Leaving(options);
  process.channel?.unref();
  try {
    await work(address, options, { tell, leaving });
    endAsMeant();
  } catch (error) {
    if (error instanceof ClusterError) endAsMeant();
    throw error;
  } finally {
    leaving.close();
  }
}

/** Everything else is a crash. */
function endAsMeant(): void {
  process.send?.(endsAsMeant);
}

type Session = { readonly tell: Tell; readonly leaving: Leaving };

async function work(address: string, options: JoinOptions, session: Session): Promise<void> {
  const isLibp2p = isLibp2pAddress(address);
  const url = isLibp2p ? placeOfManager(address) : coordinatorUrls(address);
  const token = isLibp2p ? "" : tokenOf(withLink(address, options));
  if (token === null) {
    throw new ClusterError(
      "unauthenticated",
      "no join token; `tequio up` prints one, or: tequio token create --role worker",
    );
  }
  if (!isLibp2p) for (const one of url.split(",")) await refusePlainHttp(one);
  const named = isLibp2p ? address : url;
  const dataDir = options.data === undefined ? joinedDir(named) : resolve(options.data);
  const lock = await holdDir(dataDir);
  if (options.record !== undefined) writeRecord(options.record, recordOf(process.pid, address));
  try {
    const place = { dataDir, url, fingerprint: options.fingerprint ?? "" };
    const libp2p = isLibp2p ? { address, key: await libp2pKey(dataDir) } : null;
    const given = { ...options, token, place, libp2p };
    let failure = await oneWorker(given, keptIdentity(place), session);
    if (failure === "in-use") {
      forgetIdentity(place);
      failure = await oneWorker(given, null, session);
    }
    if (failure !== null && failure !== "in-use") {
      throw new ClusterError(failure.code, failure.message);
    }
  } finally {
    lock.release();
  }
}

/** A link for browsers brings its token. */
function withLink(address: string, options: JoinOptions): JoinOptions {
  const token = tokenOfLink(address);
  const isGiven = options.token !== undefined || options.tokenFile !== undefined;
  return token === undefined || isGiven ? options : { ...options, token };
}

type Given = JoinOptions & {
  readonly token: string;
  readonly place: IdentityPlace;
  readonly libp2p: Libp2pPlace | null;
};

/** Null: it was asked to leave. `in-use`: another process lives under the identity, as after a copy
 *  of the data directory. */
async function oneWorker(
  options: Given,
  identity: WorkerIdentity | null,
  { leaving, tell }: Session,
): Promise<Failure | "in-use" | null> {
  const worker = await openWorker(options, identity, tell);
  const { place, slots } = options;
  const url = options.libp2p?.address ?? place.url;
  const greeting = `${plural(slots, "slot")}, sandbox ${worker.sandbox}, coordinator ${url}`;
  tell.say("started", greeting, { url, slots, sandbox: worker.sandbox });
  if (worker.sandbox === "basic") tell.say("sandbox", basicSandboxText());
  const hush = sayTasks(worker, tell);
  leaving.worker(worker);
  const jobtracker = await startTracker(options, tell).catch(async (error: unknown) => {
    hush();
    await worker.stop(0);
    throw error;
  });
  const failure = await worker.ended.finally(hush);
  await jobtracker?.close();
  if (failure === null) sayLeft(worker, tell);
  const isFirst = failure?.code === "fenced" && identity !== null && !worker.hasJoined();
  return isFirst ? "in-use" : failure;
}

/** Its jobs are computed by the whole cluster, this machine among it. */
async function startTracker(
  options: Given,
  { say }: Tell,
): Promise<{ close(): Promise<void> } | null> {
  const { jobtracker, place, submitTokenFile } = options;
  if (jobtracker === undefined) return null;
  if (submitTokenFile === undefined) {
    const text =
      "--jobtracker needs --submit-token-file: its jobs are submitted to the coordinator";
    throw new ClusterError("bad-request", `${text}; tequio token create --role submitter`);
  }
  const { openJobtracker } = await import("../up/jobtracker.ts");
  const { dataDir, fingerprint, url } = place;
  const serving = await openJobtracker(options, {
    target: { url, token: readSecret(submitTokenFile), fingerprint },
    dir: joinPath(dataDir, "filesystem"),
    beside: { filesystem: null, register: null },
  });
  if (serving === null) return null;
  const { close, discoveryPort, host, port } = serving;
  say("jobtracker", `jobtracker tcp://${host}:${port}`, { host, port, discoveryPort });
  return { close };
}

async function openWorker(
  options: Given,
  identity: WorkerIdentity | null,
  tell: Tell,
): Promise<RunningWorker> {
  const { startWorker } = await import("../../../worker/node.ts");
  const { token, place, libp2p, slots, name, python, sandbox } = options;
  return startWorker({
    ...place,
    token,
    ...(libp2p === null ? {} : { libp2p }),
    slots,
    memoryBytes: options.memory ?? memoryPerWorker(1),
    ...(options.scratch === undefined ? {} : { scratchBytes: options.scratch }),
    ...(options.lowWater === undefined ? {} : { lowWaterBytes: options.lowWater }),
    ...(options.store === undefined ? {} : { storeDir: options.store }),
    name,
    sandbox,
    ...(python === undefined ? {} : { python: python === "none" ? null : python }),
    listen: libp2p === null ? options.listen : "none",
    ...(options.ipfsGateway === undefined ? {} : { ipfs: options.ipfsGateway }),
    version: packageVersion(),
    dialTimeoutMs: options.dialTimeout,
    giveUpMs: options.giveUp,
    lifetimeMs: lifetimeLeftMs(options),
    drainMs: drainMs(options),
    idleExitMs: options.idleExit ?? 0,
    ...(identity === null ? {} : { identity }),
    onJoined(joined) {
      try {
        keepIdentity(place, joined);
      } catch (error) {
        // It works on; the next start of it is another worker.
        tell.say("identity", `cannot keep who this worker is: ${(error as Error).message}`);
      }
    },
    onNews: ({ kind, text, retryMs }) => tell.news(kind, text, retryMs),
  });
}

/** A batch system counts from the start of this process, which may take seconds. 0 = no end. */
function lifetimeLeftMs({ lifetime }: Given): number {
  return lifetime === undefined ? 0 : Math.max(1, lifetime - performance.now());
}

/** Now and then how much was done, when it has grown. The returned function ends it. */
function sayTasks(worker: RunningWorker, { say }: Tell): () => void {
  let told = 0;
  const timer = setInterval(() => {
    const done = worker.tasksDone();
    if (done > told) say("tasks", `${plural(done, "task")} done`, { tasksDone: done });
    told = done;
  }, tellEveryMs);
  return () => clearInterval(timer);
}

function sayLeft(worker: RunningWorker, { say }: Tell): void {
  const [id, done] = [worker.id(), worker.tasksDone()];
  // An existing manager gives no id.
  const name = id === "" ? "the worker" : id;
  const end = worker.hasJoined() ? `${name} has left` : "ended before it had joined";
  say("left", `${end}; ${plural(done, "task")} done`, { worker: id || null, tasksDone: done });
}

async function libp2pKey(dataDir: string): Promise<string> {
  const { ownKey } = await import("../../../coordinator/edges/libp2p/key.ts");
  return ownKey(dataDir);
}

/** A second worker in the same directory would sweep away what the first one serves. */
async function holdDir(dir: string): Promise<FileLock> {
  const { lockFile } = await import("../../../store/log/lock.ts");
  makeDirectory(dir);
  const lock = lockFile(joinPath(dir, "worker.lock"), false);
  if (lock !== null) return lock;
  throw new ClusterError(
    "conflict",
    `another worker on this machine uses ${dir}; stop it, or give this one --data <dir>`,
  );
}

/** One per coordinator, so that a machine may work for several. */
function joinedDir(url: string): string {
  const name = createHash("sha256").update(url).digest("hex").slice(0, 12);
  return joinPath(dataDirOf(undefined), "joined", name);
}
