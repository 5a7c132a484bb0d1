/** Opens the parts of a coordinator, each on the ones before, and connects them. */
import { randomInt } from "node:crypto";
import { join } from "node:path";
import { canaryShare } from "../core/cluster/trust/canary.ts";
import type { CoordinatorState } from "../core/coordinator.ts";
import { ClusterError } from "../core/error.ts";
import type { JobId } from "../core/ids.ts";
import { jobState } from "../core/view.ts";
import { openBlobs, openShuffle, openStaging } from "../engine/open-blobs.ts";
import { hostId } from "../link/host.ts";
import { refuserFor } from "../peer/addresses.ts";
import { ShuffleClient } from "../peer/shuffle/client.ts";
import { makeDirectory } from "../store/directory.ts";
import { diskSpace } from "../store/disk-space.ts";
import { openSqliteLog } from "../store/log/sqlite.ts";
import { Auth } from "./access/auth.ts";
import { Comparisons } from "./compare/outputs.ts";
import { addCheck, clusterKeys } from "./data-dir.ts";
import { TrackerEdge } from "./edges/browser/edge.ts";
import { PlainResults } from "./edges/browser/plain-results.ts";
import { ticketOf } from "./edges/browser/ticket.ts";
import { WorkerEdge } from "./edges/worker/edge.ts";
import { ipfsNode } from "./edges/worker/ipfs.ts";
import { outputsChecked } from "./edges/worker/outputs.ts";
import { Programs } from "./edges/worker/programs.ts";
import { storedHashes } from "./filesystem-dir.ts";
import { Arrivals } from "./jobs/arrivals.ts";
import { BlobSweep } from "./jobs/blob-sweep.ts";
import { ItemLines } from "./jobs/item-lines.ts";
import { JobLogs } from "./jobs/job-logs.ts";
import { noteSink } from "./jobs/notes.ts";
import { Plans } from "./jobs/plans.ts";
import { Progress } from "./jobs/progress.ts";
import { ResultPages, type ResultStore } from "./jobs/result-pages.ts";
import { defaultRetention, Retention } from "./jobs/retention.ts";
import { Watchers } from "./jobs/watchers.ts";
import { newJobHistories } from "./leading/histories.ts";
import type { Leadership } from "./leading/leadership.ts";
import type { ReplayProgress } from "./loop/journal.ts";
import { Loop, type OuterEffect } from "./loop/loop.ts";
import { realTimers } from "./loop/timers.ts";
import { followWallClock } from "./loop/wall.ts";
import { openSharedInputs } from "./members/inputs.ts";
import { Members } from "./members/members.ts";
import { Tickets } from "./members/tickets.ts";
import { Activity } from "./metrics/activity.ts";
import { Metrics } from "./metrics/metrics.ts";
import type { CoordinatorOptions } from "./options.ts";
import { HandOver } from "./relay/handed-over.ts";
import { Relay } from "./relay/relay.ts";
import { Relayed } from "./relay/relayed.ts";
import { ShuffleStore } from "./relay/shuffle-store.ts";
import { Uploads } from "./relay/uploads.ts";
import type { Services } from "./services.ts";
import { LowWater } from "./upkeep/low-water.ts";

/** Functions that end the parts, to be called in reverse order. */

type Options = CoordinatorOptions & {
  readonly onShutdown: () => void;
  /** The log failed, or an assertion. */
  readonly onFatal: (error: Error) => void;
  readonly onReplayed: (progress: ReplayProgress) => void;
  /** Of a log in an engine; null = the log is a file of the directory. */
  readonly leadership: Leadership | null;
};

/** Longest silence of a worker that is being read from, ms. */
const idleMs = 30_000;
/** Below the time that a worker which asks for another's output waits, ms. */
const connectMs = 8_000;

type Kept = Pick<
  Services,
  | "activity"
  | "attempts"
  | "blobs"
  | "loop"
  | "logs"
  | "metrics"
  | "moves"
  | "progress"
  | "staging"
  | "stored"
  | "watchers"
>;

export async function openServices(
  options: Options,
  closers: AsyncDisposableStack,
): Promise<Services> {
  const { dataDir, onShutdown, version } = options;
  const keys = clusterKeys(dataDir);
  addCheck(dataDir);
  const later = { perform: (_effect: OuterEffect): void => {} };
  const kept = await openKept(options, closers, (effect) => later.perform(effect));
  const { blobs, loop } = kept;
  const members = new Members({ loop, timers: realTimers });
  closers.defer(() => members.stop());
  const plans = new Plans(blobs);
  const arrivals = new Arrivals({ ...kept, timers: realTimers });
  closers.defer(() => arrivals.stop());
  const lowWater = new LowWater(dataDir, options.lowWaterBytes);
  const going = openGoing({ loop, blobs, plans, lowWater }, options, closers);
  const { sweep } = going;
  const auth = new Auth(loop);
  const uploads = new Uploads(lowWater, () => realTimers.monotonicMs(), options.uploads);
  const itemLines = new ItemLines(blobs);
  const programs = new Programs({ loop, keys, plans, itemLines, blobs, ...modulesOf(options) });
  const parts = { ...kept, auth, keys, sweep, uploads, programs };
  const edges = openEdges(parts, options, closers);
  const shuffle = new ShuffleClient(refuserFor("machine"), { connectMs, idleMs });
  closers.defer(() => shuffle.close());
  const tickets = new Tickets();
  const sharedInputs = openSharedInputs({ loop, members, tickets, host: hostId() });
  closers.defer(() => sharedInputs.close());
  const sharing = { members, tickets, sharedInputs };
  const common = { ...sharing, ...going, arrivals, plans, itemLines, auth, keys, lowWater };
  const services = {
    ...kept,
    ...edges,
    ...common,
    uploads,
    shuffle,
    programs,
    dataDir,
    relayed: new Relayed(() => realTimers.monotonicMs()),
    host: hostId(),
    version,
    onShutdown,
    place: { openUrl: "", hasOwnCertificate: false },
    standbys: options.leadership?.standbys ?? null,
  };
  const comparisons = new Comparisons(dataDir);
  later.perform = (effect) => {
    if (effect.kind === "compare-outputs") comparisons.compare(services, effect);
    else perform(services, effect);
  };
  // Removes what was left behind before this start.
  going.sweep.sweep().catch(() => {});
  return services;
}

function modulesOf({ ipfsApi, print = (line) => console.error(line) }: Options) {
  return { print, ipfs: ipfsApi === undefined ? undefined : ipfsNode(ipfsApi) };
}

/** The stores and the loop. */
async function openKept(
  { dataDir, leadership, onFatal, onReplayed, slotsPerOwner, snapshotRecords, ...options }: Options,
  closers: AsyncDisposableStack,
  perform: (effect: OuterEffect) => void,
): Promise<Kept> {
  const log = leadership?.log ?? options.log ?? (await openSqliteLog(join(dataDir, "log.sqlite")));
  closers.defer(() => log.close());
  const blobs = await openBlobs(options.blobs, dataDir);
  closers.defer(() => blobs.close());
  const staging = openStaging(options.blobs, dataDir, blobs);
  makeDirectory(join(dataDir, "logs"));
  const logs = new JobLogs(join(dataDir, "logs"));
  const histories = leadership?.warm.histories ?? newJobHistories();
  const [activity, metrics] = [new Activity(), new Metrics()];
  let isReplaying = true;
  const loop = await Loop.start({
    log,
    observe: (event, effects, position) => {
      histories.observe(event, effects, position);
      if (isReplaying) return;
      metrics.see(event);
      activity.see(event);
    },
    timers: realTimers,
    perform,
    ...(snapshotRecords === undefined ? {} : { snapshotRecords }),
    ...(slotsPerOwner === undefined ? {} : { slotsPerOwner }),
    trustSeed: randomInt(2 ** 47),
    checks: checksOf(options.auditShare),
    onReplay: onReplayed,
    onFatal,
    ...(leadership === null ? {} : { warm: leadership.warm.end }),
  });
  void leadership?.lost.then((error) => loop.isOpen && onFatal(error));
  isReplaying = false;
  closers.defer(() => loop.stop());
  closers.defer(followWallClock(loop, realTimers));
  const { attempts, moves } = histories;
  const counted = { activity, metrics, progress: new Progress() };
  const stored = await openStored(loop, options, closers);
  const stores = { blobs, logs, staging, stored };
  return { ...counted, ...stores, attempts, moves, watchers: new Watchers(), loop };
}

/** Throws `bad-request` when jobs are to shuffle by an object store and there is none. */
async function openStored(
  loop: Loop,
  { blobs, shuffle }: Pick<Options, "blobs" | "shuffle">,
  closers: AsyncDisposableStack,
): Promise<ShuffleStore | null> {
  const objects = await openShuffle(blobs);
  if (objects === null) {
    if (shuffle !== "s3") return null;
    throw new ClusterError("bad-request", "--shuffle s3 needs --blobs s3://bucket/prefix");
  }
  closers.defer(() => objects.close());
  const isRunning = (job: JobId) => jobState(loop.state, job) === "running";
  const confirm = () => loop.confirm();
  const stored = new ShuffleStore({ objects, isRunning, confirm, timers: realTimers });
  stored.start();
  closers.defer(() => stored.stop());
  return stored;
}

/** Age above which blobs are removed while the disk is nearly full, ms. */
const pressedGraceMs = 60_000;

/** The removal of ended jobs, and of blobs that no job names. */
function openGoing(
  parts: Pick<Services, "blobs" | "loop" | "lowWater" | "plans">,
  { dataDir, retention }: Options,
  closers: AsyncDisposableStack,
): Pick<Services, "retention" | "sweep"> {
  const { blobs, loop, lowWater, plans } = parts;
  const sweep = new BlobSweep({
    blobs,
    stateNow: () => loop.state,
    namedBy: (plan) => plans.blobsOf(plan),
    otherNames: () => storedHashes(dataDir),
    timers: realTimers,
    confirm: () => loop.confirm(),
  });
  closers.defer(() => sweep.stop());
  const resultBytes = Math.floor(diskSpace(dataDir).totalBytes / 2);
  const keeping = new Retention({
    loop,
    timers: realTimers,
    options: { ...defaultRetention, resultBytes, ...retention },
    isPressed: () => lowWater.isNear(),
    makeRoom: () => sweep.sweep(pressedGraceMs),
  });
  closers.defer(() => keeping.stop());
  return { sweep, retention: keeping };
}

/** Where nothing is audited no canaries are given either. */
function checksOf(auditShare = 0) {
  const policy = { trustsByOwner: true } as const;
  return auditShare === 0 ? policy : { ...policy, auditShare, canaryShare };
}

/** The edges where workers and browsers reach the core. */
function openEdges(
  parts: Kept & Pick<Services, "auth" | "keys" | "programs" | "sweep" | "uploads">,
  options: Options,
  closers: AsyncDisposableStack,
): Pick<Services, "edge" | "handOver" | "tracker" | "relay" | "plainResults"> {
  const { anonymousBrowsers = false, dataDir, liveness, version } = options;
  const { auth, blobs, keys, logs, loop, programs, progress, sweep, uploads } = parts;
  const stateNow = (): CoordinatorState => loop.state;
  const store: ResultStore = {
    put: (...what) => blobs.put(...what),
    size: (hash) => blobs.size(hash),
    hold: (hashes, job) => sweep.hold(hashes, { job }),
  };
  const common = {
    loop,
    auth,
    timers: realTimers,
    keys,
    version,
    notes: noteSink(loop, logs, progress),
    checked: outputsChecked(store, stateNow, new ResultPages(store, stateNow)),
  };
  const edge = new WorkerEdge({
    ...common,
    programs,
    ...(options.shuffle === undefined ? {} : { shuffle: options.shuffle }),
    ...(liveness === undefined ? {} : { liveness }),
    ...(options.leadership === null ? {} : { leads: options.leadership.holds }),
  });
  closers.defer(() => edge.stop());
  const relay = new Relay({ dir: join(dataDir, "relay") });
  // Removes what jobs left that ended while no coordinator ran.
  const confirm = () => loop.confirm();
  relay.keepOnly((job) => jobState(loop.state, job) === "running", confirm).catch(() => {});
  const handOver = new HandOver({ loop, rootOf: (ref) => relay.get(ref)?.root ?? null });
  const plainResults = new PlainResults({ loop, blobs, relay });
  const tracker = new TrackerEdge({
    ...common,
    ticketOf,
    collect: (run, urls) => plainResults.collect(run, urls),
    shut: (ticket) => {
      plainResults.forget(ticket);
      uploads.taskEnded(ticket);
    },
    anonymous: anonymousBrowsers,
    ...(options.tabsMax === undefined ? {} : { tabsMax: options.tabsMax }),
    print: options.print ?? ((line) => console.error(line)),
  });
  closers.defer(() => tracker.stop());
  return { edge, handOver, tracker, relay, plainResults };
}

function perform(
  services: Services,
  effect: Exclude<OuterEffect, { kind: "compare-outputs" }>,
): void {
  const { edge, logs, loop, progress, relay, sweep, tracker, uploads, watchers } = services;
  if (effect.kind === "job-changed") {
    watchers.changed(effect.job);
    logs.wake(effect.job);
    const state = jobState(loop.state, effect.job);
    if (state !== "running") {
      services.itemLines.jobEnded(effect.job);
      uploads.jobEnded(effect.job);
      // So does the next sweep.
      services.stored?.jobEnded(effect.job).catch(() => {});
    }
    // The next start removes what stays of an ended job.
    relay.jobChanged(effect.job, state).catch(() => {});
  } else if (effect.kind === "drop-blobs") {
    progress.forget(effect.job);
    watchers.changed(effect.job);
    // Both may fail without harm: the next sweep removes what is left.
    logs.remove(effect.job).catch(() => {});
    sweep.release(effect).catch(() => {});
  } else if (effect.kind === "expel") {
    edge.revoked(effect.worker);
    tracker.revoked(effect.worker);
  } else if (!tracker.perform(effect)) {
    edge.perform(effect);
  }
}
