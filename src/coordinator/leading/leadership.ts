/** How a coordinator of a shared log comes to lead, and what it holds while it does: the engine,
 *  the lease, and the state that it has followed. */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { join } from "node:path";
import { ClusterError } from "../../core/error.ts";
import { defaultLeaseRules } from "../../core/lease.ts";
import type { Engine } from "../../engine/engine.ts";
import { LeaseKeeper } from "../../engine/lease-keeper.ts";
import { openEngine } from "../../engine/open.ts";
import { openSnapshots } from "../../engine/open-blobs.ts";
import { lockFile } from "../../store/log/lock.ts";
import type { Log } from "../../store/log/log.ts";
import { readPrivate, writePrivate } from "../access/private-file.ts";
import { realTimers } from "../loop/timers.ts";
import { Follower, type Warm } from "./follower.ts";
import { type JobHistories, newJobHistories } from "./histories.ts";
import { mustNotBeMigrated } from "./migrated.ts";
import { shareFiles } from "./shared-files.ts";
import { Standbys } from "./standbys.ts";
import { takeOver } from "./take-over.ts";

export type LeadingOptions = {
  /** Address of the engine, as `postgres://user@host/database` or `nats://a,b,c/cluster`. */
  readonly log: string;
  /** See the engines. Default false. */
  readonly allowSingle?: boolean;
  /** Wait beside another leader. Default false: then it is refused (`conflict`). */
  readonly isStandby?: boolean;
  /** How long the lease of a leader that is silent is waited out, ms. Default 3 s. */
  readonly leaseMs?: number;
  /** Ends the wait: `lead` rejects with `unavailable`. */
  readonly signal?: AbortSignal;
  /** The engine is there, and this directory is its own: now it wants the lease. */
  readonly onJoined?: () => void;
  /** Now this coordinator stands by. */
  readonly onStandby?: (news: StandbyNews) => void;
  /** The addresses of those that stand by have changed; only while this one leads. */
  readonly onStandbys?: (urls: readonly string[]) => void;
};

export type StandbyNews = {
  /** What the leader says of itself: its address; "" = not known. */
  readonly leader: string;
  /** Why the log cannot be followed now; "" = it is. */
  readonly problem: string;
  /** Of this coordinator; "" = not known before it leads (port 0). */
  readonly url: string;
  readonly fingerprint: string;
};

/** A coordinator that leads. */
export type Leadership = {
  readonly engine: Engine;
  readonly log: Log;
  readonly warm: Warm<JobHistories>;
  /** Whether no other coordinator can lead now. */
  readonly holds: () => boolean;
  /** Resolves when another one does. */
  readonly lost: Promise<ClusterError>;
  readonly standbys: Pick<Standbys, "list" | "someone">;
  /** Makes the address known at which this one listens. */
  readonly announce: (url: string) => void;
};

/** Of a log in an engine, in the data directory. */
export const witnessFile = "log.witness";
/** How long a leader that ends waits for its lease to be given up, ms. */
const releaseMs = 2_000;
/** Between two reports of who leads, ms. */
const reportMs = 250;

export type Joining = {
  readonly dataDir: string;
  /** This coordinator's address, as far as it is known before it listens. */
  readonly url: string;
  /** Of its certificate; "" without TLS. */
  readonly fingerprint: string;
  readonly blobs: string | undefined;
  readonly closers: AsyncDisposableStack;
};

/** The engine, and the files of this directory that all coordinators have alike. */
export async function joinEngine(
  { allowSingle = false, log }: LeadingOptions,
  { closers, dataDir }: Pick<Joining, "closers" | "dataDir">,
  hasCertificate: boolean,
): Promise<Engine> {
  const lock = lockFile(join(dataDir, "engine.lock"), false);
  if (lock === null) {
    const text = `${dataDir} is in use by another coordinator of this machine`;
    throw new ClusterError("fenced", `${text}: stop that process, or choose another --data`);
  }
  closers.defer(() => lock.release());
  const engine = await openEngine(log, { allowSingle });
  closers.defer(() => engine.close());
  await mustNotBeMigrated(engine);
  await shareFiles(engine, dataDir, hasCertificate);
  return engine;
}

/** Resolves when this coordinator leads; until then it follows. */
export async function lead(
  engine: Engine,
  options: LeadingOptions,
  joining: Joining,
): Promise<Leadership> {
  const { blobs, closers, dataDir } = joining;
  options.onJoined?.();
  const snapshots = await openSnapshots(blobs, dataDir);
  closers.defer(() => snapshots.close());
  const followed = await engine.followLog(snapshots);
  closers.defer(() => followed.close());
  let problem = "";
  const follower = new Follower({
    log: followed,
    timers: realTimers,
    newHistories: newJobHistories,
    onProblem: (text) => {
      problem = text;
    },
  });
  closers.defer(() => follower.stop());
  const keeper = keep(engine, options, joining);
  closers.defer(async () => {
    await keeper.release(releaseMs);
    await keeper.stop();
  });
  options.signal?.addEventListener("abort", () => void keeper.release(0), { once: true });
  const standbys = openStandbys(engine, options, joining);
  closers.defer(() => standbys.stop());
  const { fingerprint, url } = joining;
  const isLeading = reportUntil(keeper.leading, () => {
    const leader = keeper.entry?.note ?? "";
    options.onStandby?.({ leader, problem, url: listed(url), fingerprint });
  });
  const openLog = () => {
    standbys.leads();
    const holder = `${joining.url} (process ${process.pid} on ${hostname()})`;
    return engine.openLog({ snapshots, witness: join(dataDir, witnessFile), holder });
  };
  const taking = { keeper: { leading: isLeading }, follower, openLog };
  const { log, warm } = await takeOver(taking, (opened) => closers.defer(() => opened.close()));
  return {
    engine,
    log,
    warm,
    holds: () => keeper.holds(),
    lost: keeper.lost,
    standbys,
    announce: (text) => {
      keeper.note = text;
    },
  };
}

/** One that is no standby only waits out a lease: it is not listed. */
function openStandbys(
  engine: Engine,
  { isStandby = false, onStandbys = () => {} }: LeadingOptions,
  { dataDir, url }: Joining,
): Standbys {
  const own = { self: nodeId(dataDir), url: listed(url) };
  const standbys = new Standbys({ engine, timers: realTimers, ...own, onChange: onStandbys });
  if (!isStandby) standbys.leads();
  return standbys;
}

/** "" for a port that is not known yet. */
function listed(url: string): string {
  return new URL(url).port === "0" ? "" : url;
}

function keep(engine: Engine, options: LeadingOptions, { dataDir, url }: Joining): LeaseKeeper {
  const { isStandby = false, leaseMs = defaultLeaseRules.leaseMs } = options;
  const renewMs = Math.min(defaultLeaseRules.renewMs, leaseMs / 4);
  return new LeaseKeeper({
    register: engine.lease(),
    self: nodeId(dataDir),
    note: url,
    rules: { leaseMs, renewMs, isStandby },
    timers: realTimers,
    name: engine.name,
  });
}

async function reportUntil(over: Promise<void>, report: () => void): Promise<void> {
  const timer = setInterval(report, reportMs);
  try {
    await over;
  } finally {
    clearInterval(timer);
  }
}

/** The same at each start: what an earlier process of this directory held is its own. */
function nodeId(dataDir: string): string {
  const path = join(dataDir, "node.id");
  const known = readPrivate(path)?.trim();
  if (known !== undefined && known !== "") return known;
  const id = randomBytes(8).toString("hex");
  writePrivate(path, `${id}\n`);
  return id;
}
