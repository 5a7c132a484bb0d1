/** A worker of this machine: supervisor, task processes, exchange, and the loop that joins them. */

import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { mkdirSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { ClusterError } from "../core/error.ts";
import type { Failure } from "../core/job.ts";
import { defaultRules, type WorkerRules } from "../core/worker.ts";
import { hostId } from "../link/host.ts";
import { Coordinators } from "../link/http/coordinators.ts";
import { openDiskBlobs } from "../store/blob/disk.ts";
import { defaultMarkBytes, diskSpace } from "../store/disk-space.ts";
import { hit } from "../store/failpoint.ts";
import { programKinds } from "../wire/manager/messages.ts";
import { exchangeText } from "../wire/p4/shuffle.ts";
import { DiskRoom } from "./disk-room.ts";
import type { WorkerTimers } from "./executor.ts";
import { openSharedInputs } from "./input/shared.ts";
import { WorkerLoop, type WorkerNews } from "./loop.ts";
import { watchLoad } from "./machine-load.ts";
import { type Libp2pPlace, openCarrier } from "./manager/carrier.ts";
import type { Specs } from "./manager/introduction.ts";
import { NodeExecutor } from "./node-executor.ts";
import { OwnReach } from "./own-reach.ts";
import { Programs } from "./programs/programs.ts";
import type { RelayAddress } from "./relay-address.ts";
import { CoordinatorBlobs } from "./shuffle/blobs.ts";
import { type Exchange, openExchange } from "./shuffle/exchange.ts";
import { defaultFetchLimits, PartitionFetcher } from "./shuffle/fetch.ts";
import { OpenJobs } from "./shuffle/jobs.ts";
import { LocalSegments } from "./shuffle/local-segments.ts";
import { nodeDisk } from "./shuffle/node-disk.ts";
import { Outputs } from "./shuffle/outputs.ts";
import { StoredOutputs } from "./shuffle/stored.ts";
import { openProcesses } from "./slot/open-processes.ts";
import type { Processes } from "./slot/processes.ts";
import { findPython, type Python } from "./slot/python.ts";
import { probeSandbox, runsPython, type Sandbox, type SandboxMode } from "./slot/sandbox-node.ts";

export type WorkerOptions = {
  /** Of the coordinator: `http://host:7070` or `https://…`; several of one cluster with commas
   *  between them. */
  readonly url: string;
  /** Join token. */
  readonly token: string;
  /** SHA-256 of the coordinator's certificate; "" or absent = none pinned. */
  readonly fingerprint?: string;
  /** Of this worker alone; what lies there of a former life is removed. */
  readonly dataDir: string;
  /** The coordinator's `blobs/`, when they lie on a disk of this machine. */
  readonly storeDir?: string;
  /** Tasks at once, 1 to 1,024. */
  readonly slots: number;
  /** For all tasks together, at least 64 MiB for each slot. The engine takes up to 64 MiB more for
   *  each process: this one, one for each slot, and a spare. */
  readonly memoryBytes: number;
  /** What all tasks together may have on the disk while they run; each has its even share. Default:
   *  three quarters of what is free at the start. */
  readonly scratchBytes?: number;
  /** Nothing new is taken while the disk has less; 0 = no mark. Default: half of the mark of a
   *  coordinator, which may share the disk and stops taking jobs first. */
  readonly lowWaterBytes?: number;
  /** For people. */
  readonly name: string;
  /** What is asked for, or what a probe that is under way finds. */
  readonly sandbox: SandboxMode | Promise<Sandbox>;
  /** From `openProcesses` with the same sizes and sandbox, and no Python; the worker ends them.
   *  Default: its own. */
  readonly processes?: Processes;
  /** The interpreter of Python jobs, 3.9 or newer; null = none. Default: the `python3` of PATH,
   *  when it is one and starts in the sandbox. */
  readonly python?: string | null;
  /** `host:port` where other workers fetch from, port 0 = any; `none` = they cannot: the
   *  coordinator keeps what this worker makes for them. */
  readonly listen: string;
  /** Join over libp2p; `url` is then only where the manager is, token and `listen` are not used.
   *  Such a worker computes WebAssembly modules. */
  readonly libp2p?: Libp2pPlace;
  /** Gateway of an IPFS node, as `http://127.0.0.1:8080`, for the `/ipfs/` addresses of existing
   *  managers; "" or absent = they cannot be resolved. */
  readonly ipfs?: string;
  /** Of the software. */
  readonly version?: string;
  /** How long one try to reach the coordinator may take until it is joined, ms. Default: 10 s. */
  readonly dialTimeoutMs?: number;
  /** Ends when no coordinator answers for so long, ms; 0 or absent = never. */
  readonly giveUpMs?: number;
  /** Until it must be gone, ms; 0 or absent = no end. Up to a tenth less, by chance, so that
   *  workers that were started together do not end together. */
  readonly lifetimeMs?: number;
  /** How long before that it begins to drain at the latest, ms. Default: 5 s. */
  readonly drainMs?: number;
  /** Ends after so long without work, ms; 0 or absent = never. */
  readonly idleExitMs?: number;
  /** Its identity from an earlier run at the same coordinator: it comes back under the same id, and
   *  with the join token as a new worker when the coordinator does not know it any more. */
  readonly identity?: WorkerIdentity;
  /** Called each time that it has joined: what to keep for the next life. */
  readonly onJoined?: (identity: WorkerIdentity) => void;
  /** What happens to it, for people. */
  readonly onNews?: (news: WorkerNews) => void;
};

/** A secret: a process that shows it is taken for the worker. */
export type WorkerIdentity = { readonly workerId: string; readonly credential: string };

export type RunningWorker = {
  /** Settles when it has ended: null when asked to, else why it could not go on. */
  readonly ended: Promise<Failure | null>;
  /** `w-7`, or "" while it has not joined. */
  readonly id: () => string;
  /** Whether a coordinator has admitted it in this life. */
  readonly hasJoined: () => boolean;
  /** Tasks that ended well here. */
  readonly tasksDone: () => number;
  readonly sandbox: "strict" | "basic";
  /** Hands back what has not begun, lets run what has for `graceMs`, says goodbye. `isDrain`: for
   *  as long it also serves the map outputs that are needed. May be called twice; the sooner end
   *  counts. */
  stop(graceMs?: number, isDrain?: boolean): Promise<void>;
};

const stopGraceMs = defaultRules.drainMs;
/** Share of a lifetime that chance takes off at most. */
const lifetimeSpread = 0.1;
/** The limit of dialling ends so much earlier than that of joining: it knows why. */
const dialHeadMs = 500;
/** How long the coordinator may be away before an upload or a download of an attempt fails, ms. */
const coordinatorAwayMs = 60_000;
/** Between two looks whether another coordinator leads, when there are several, ms: a link to one
 *  that is stopped does not end by itself. */
const coordinatorLookMs = 3_000;
const idleMs = 30_000;
const exchangeConnectionsMax = 1_024;

const timers: WorkerTimers = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, fire) {
    const timer = setTimeout(fire, Math.min(delayMs, 0x7fff_ffff));
    return () => clearTimeout(timer);
  },
};

/** Resolves when it runs, which may be before it has joined. Throws when it cannot run here: the
 *  sandbox that is asked for, the address to listen at. */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const slots = Math.min(1_024, Math.max(1, Math.floor(options.slots)));
  const { url, token, fingerprint = "", identity, libp2p, onJoined, onNews } = options;
  const { python, sandbox } = await probe(options);
  const timeoutMs = options.dialTimeoutMs ?? defaultRules.joinTimeoutMs;
  const coordinators = new Coordinators({ urls: url, fingerprint, lookMs: coordinatorLookMs });
  const carrier = await openCarrier({ coordinators, token, fingerprint, timeoutMs, libp2p });
  const relay = relayOf(coordinators, fingerprint, () => loop.credential);
  const files = await openFiles(options, relay);
  const space = diskSpace(options.dataDir);
  const processes = options.processes ?? openProcesses({ ...options, slots }, sandbox, python);
  const { exchange, exchangeUrl, outputs, jobs, blobs, programs } = files;
  const { fetcher, stored } = openFetcher(files, relay, onNews);
  const shared = openSharedInputs(relay, idleMs);
  const reach = new OwnReach(exchangeUrl && ((signal) => blobs.isReached(signal)));
  const specs = specsOf(options, { slots, python });
  const parts = { jobs, blobs, outputs, stored, programs, processes, fetcher, shared, reach };
  let hasJoined = false;
  const loop: WorkerLoop = new WorkerLoop({
    rules: { ...rulesOf(options, timeoutMs), slots, servesOutputs: exchangeUrl !== null },
    timers,
    chance: Math.random,
    dial: carrier.dial,
    specs: async () => ({ ...specs, exchangeUrl: (await exchangeUrl?.()) ?? "" }),
    executor: (events) => new NodeExecutor(parts, events),
    ...(identity === undefined ? {} : { identity }),
    onNews(news) {
      const { credential, workerId } = loop;
      if (news.kind === "joined") {
        hasJoined = true;
        // An existing manager gives no id, and has no such calls.
        if (workerId !== "" && libp2p === undefined) lookAround(coordinators, reach);
        if (workerId !== "") onJoined?.({ workerId, credential });
      }
      onNews?.(news);
    },
  });
  loop.start();
  const unwatch = followLeader(coordinators, (reason) => loop.redial(reason));
  const unwatchMachine = watchMachine(options, space, loop);
  const ended = loop.ended.then(async (failure) => {
    unwatchMachine();
    unwatch();
    const closing = [carrier.close(), exchange.close(), fetcher.close(), shared.close()];
    await Promise.all([processes.stop(), ...closing]);
    await Promise.all([outputs.sweep(), jobs.sweep()]).catch(() => {});
    return failure;
  });
  return {
    ended,
    id: () => loop.workerId,
    hasJoined: () => hasJoined,
    tasksDone: () => loop.tasksDone,
    sandbox: sandbox.profile,
    async stop(graceMs = stopGraceMs, isDrain = false) {
      await loop.stop(graceMs, isDrain);
      await ended;
    },
  };
}

function openFetcher(
  { blobs, outputs }: Awaited<ReturnType<typeof openFiles>>,
  relay: RelayAddress,
  onNews: WorkerOptions["onNews"],
) {
  const stored = new StoredOutputs({
    ask: (path, of) => blobs.json(path, of),
    idleMs,
    onTrouble: (text) => onNews?.({ kind: "store", text, retryMs: 0 }),
  });
  const local = new LocalSegments(outputs, nodeDisk);
  return { stored, fetcher: new PartitionFetcher(local, relay, defaultFetchLimits, stored) };
}

/** Its disk and its processors. Returns what ends it. */
function watchMachine(
  { dataDir: dir, lowWaterBytes: given }: WorkerOptions,
  space: ReturnType<typeof diskSpace>,
  loop: WorkerLoop,
): () => void {
  const lowWaterBytes = given ?? Math.floor(defaultMarkBytes(space) / 2);
  const room = new DiskRoom({ dir, lowWaterBytes, changed: (reason) => loop.diskChanged(reason) });
  const endLoad = watchLoad(timers, (cpuShare) => loop.loadChanged(cpuShare));
  return () => {
    room.stop();
    endLoad();
  };
}

function relayOf(
  coordinators: Coordinators,
  fingerprint: string,
  credential: () => string,
): RelayAddress {
  return {
    fingerprint,
    credential,
    get url() {
      return coordinators.url;
    },
    get moved() {
      return coordinators.moved;
    },
  };
}

/** Leaves the link to a coordinator that was replaced. The returned function ends that. */
function followLeader(coordinators: Coordinators, moved: (reason: string) => void): () => void {
  const unwatch = coordinators.watch();
  let isOver = false;
  const follow = () => {
    coordinators.moved.addEventListener("abort", () => {
      if (isOver) return;
      follow();
      moved(`now the coordinator at ${coordinators.url} leads`);
    });
  };
  follow();
  return () => {
    isOver = true;
    unwatch();
  };
}

function rulesOf(options: WorkerOptions, timeoutMs: number): WorkerRules {
  const { drainMs = stopGraceMs, giveUpMs = 0, idleExitMs = 0 } = options;
  const lifetimeMs = (options.lifetimeMs ?? 0) * (1 - Math.random() * lifetimeSpread);
  const joinTimeoutMs = timeoutMs + dialHeadMs;
  return { ...defaultRules, giveUpMs, joinTimeoutMs, lifetimeMs, drainMs, idleExitMs };
}

/** What this host allows, and has. */
async function probe({ python: path, sandbox: mode }: WorkerOptions) {
  const [sandbox, found] = await Promise.all([
    typeof mode === "string" ? probeSandbox(mode) : mode,
    path === null ? null : findPython(path),
  ]);
  const python = found !== null && (await runsPython(sandbox, found)) ? found : null;
  if (python === null && typeof path === "string") {
    const text = `${path} is no Python 3.9 or newer that starts in the sandbox of tasks`;
    throw new ClusterError("bad-request", `${text}; name another, or leave it out`);
  }
  return { python, sandbox };
}

function specsOf(
  { libp2p, memoryBytes, name, version = "" }: WorkerOptions,
  { python, slots }: { readonly slots: number; readonly python: Python | null },
): Omit<Specs, "exchangeUrl"> {
  const session = randomBytes(16).toString("hex");
  const common = { name, host: hostId(), slots, memoryBytes, version, session };
  if (libp2p === undefined) return { ...common, ...pythonSpecs(python) };
  return { ...common, kinds: [programKinds.wasm], python: null, isBase: true };
}

function lookAround(coordinators: Coordinators, reach: OwnReach): void {
  void coordinators.find();
  reach.look();
}

/** Kinds in ascending order: existing managers know the first. */
function pythonSpecs(python: Python | null) {
  const { javascript, python: pythonKind, wasm } = programKinds;
  if (python === null) return { kinds: [wasm, javascript], python: null };
  const { packages, version } = python;
  return { kinds: [wasm, javascript, pythonKind], python: { version, packages } };
}

/** What the worker keeps on its disk, emptied of a former life, and the server that shows it. */
async function openFiles(options: WorkerOptions, coordinator: RelayAddress) {
  const { dataDir } = options;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const outputs = new Outputs(join(dataDir, "shuffle"), nodeDisk);
  const away = { limitMs: coordinatorAwayMs, idleMs };
  const store = options.storeDir === undefined ? null : await openDiskBlobs(options.storeDir);
  const blobs = new CoordinatorBlobs({ coordinator, ...away, store });
  const jobs = new OpenJobs(join(dataDir, "jobs"), blobs);
  const programs = new Programs({ coordinator, ipfs: options.ipfs ?? "", idleMs });
  hit("worker.sweep", "before");
  await Promise.all([outputs.sweep(), jobs.sweep()]);
  hit("worker.sweep", "after");
  if (options.listen === "none") {
    return { outputs, blobs, jobs, programs, exchange: noExchange, exchangeUrl: null };
  }
  const { host, port } = parseListen(options.listen);
  const exchange = await openExchange({
    host,
    port,
    outputs,
    keyOf: (name) => {
      const job = jobs.get(name);
      // Programs of existing managers have no outputs, and so no key.
      if (job === null || job.open.exchangeKey === "") return null;
      return { key: job.open.exchangeKey, nowMs: job.coordinatorNowMs() };
    },
    connectionsMax: exchangeConnectionsMax,
    idleMs,
  });
  // For each link anew: a machine that moves to another network is reached elsewhere.
  const exchangeUrl = async () =>
    exchangeText({ ...exchange, host: await reachableAddress(host, coordinator.url) });
  return { outputs, blobs, jobs, programs, exchange, exchangeUrl };
}

const noExchange: Exchange = { port: 0, fingerprint: "", close: async () => {} };

function parseListen(listen: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:]*)):([0-9]{1,5})$/i.exec(listen);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new ClusterError("bad-request", `"${listen}" is no host:port to listen at`);
  }
  return { host: match[1] ?? match[2] ?? "", port };
}

/** Where others reach the exchange: the address it listens at; for "all", the one that faces the
 *  coordinator. */
async function reachableAddress(host: string, coordinator: string): Promise<string> {
  const everywhere = host === "" || host === "0.0.0.0" || host === "::";
  return everywhere ? await addressTowards(new URL(coordinator)) : host;
}

/** The address from which this machine would speak to `target`; no packet is sent. */
function addressTowards(target: URL): Promise<string> {
  const host = target.hostname.replace(/^\[|\]$/g, "");
  const socket = createSocket(isIP(host) === 6 ? "udp6" : "udp4");
  return new Promise((resolve) => {
    const end = (address: string) => {
      socket.close();
      resolve(address);
    };
    socket.once("error", () => end("127.0.0.1"));
    socket.connect(Number(target.port) || 443, host, () => end(socket.address().address));
  });
}
