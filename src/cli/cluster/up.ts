/** `tequio up`: a coordinator in this process, and worker processes beside it. */
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Command, Option } from "commander";
import { packageVersion } from "../../client/package-version.ts";
import { dataDirOf } from "../../client/place.ts";
import type { Coordinator } from "../../coordinator/coordinator.ts";
import { ClusterError } from "../../core/error.ts";
import { type GatewayLimits, gatewayLimits } from "../../gateway/options.ts";
import type { WorkerServing } from "../../jobtracker/worker.ts";
import { withLogJson } from "../log-json.ts";
import {
  countArgument,
  durationArgument,
  originsArgument,
  percentArgument,
  sizeArgument,
  withExamples,
  withJson,
} from "../options.ts";
import { withAdvice } from "../upkeep/advice.ts";
import { builtWebFolder } from "../web-folder.ts";
import { enoughMemory } from "./enough-memory.ts";
import { localUrl } from "./join-line.ts";
import type { LocalWorkers } from "./local-workers.ts";
import { markStarting, unmarkStarting } from "./process/starting-mark.ts";
import { announce, typedArguments } from "./up/announce.ts";
import {
  type CertificateFlags,
  certificateOptions,
  withCertificate,
} from "./up/certificate-options.ts";
import { type ConsoleFlags, consoleOptions, withConsole } from "./up/console-options.ts";
import { endOfUp } from "./up/end-of-up.ts";
import { removeEndpoint, stopOther, writeEndpoint } from "./up/endpoint.ts";
import {
  type EngineFlags,
  engineExample,
  engineOptions,
  withEngines,
} from "./up/engine-options.ts";
import {
  type FilesystemFlags,
  filesystemOptions,
  withFilesystem,
} from "./up/filesystem-options.ts";
import { besideCoordinator, openJobtracker } from "./up/jobtracker.ts";
import { type Libp2pFlags, libp2pOptions, withLibp2p } from "./up/libp2p-options.ts";
import { type P4Flags, p4Options, withP4 } from "./up/p4-options.ts";
import { type RetentionFlags, retentionOptions, withRetention } from "./up/retention-options.ts";
import { standAgain } from "./up/stand-again.ts";
import { replayNews } from "./up/starting.ts";
import { withTabs } from "./up/tab-options.ts";
import { type UploadFlags, uploadLimits, withUploads } from "./up/upload-options.ts";
import { workerCommand } from "./up/worker-command.ts";

type EdgeFlags = ConsoleFlags & FilesystemFlags & Libp2pFlags & P4Flags;
type KeepingFlags = RetentionFlags & UploadFlags;
type Options = CertificateFlags &
  EdgeFlags &
  EngineFlags &
  KeepingFlags & {
    readonly workers: number;
    readonly listen: string;
    readonly data?: string;
    readonly memory?: number;
    readonly scratch?: number;
    readonly lease?: number;
    readonly lowWater?: number;
    readonly insecure?: boolean;
    readonly allowOrigin?: readonly string[];
    readonly anonymousBrowsers?: boolean;
    readonly tabs?: "own" | "volunteer";
    readonly tabsMax?: number;
    readonly slotsPerOwner?: number;
    readonly audit: number;
    readonly tabReturn?: number;
    readonly tabSilence?: number;
    readonly qr: boolean;
    readonly takeOver?: boolean;
    readonly sandbox: string;
    readonly python?: string;
    readonly json?: boolean;
    readonly debug?: boolean;
  };

/** How long workers may take to hand back what they run, in ms. */
const leaveMs = 10_000;
/** How long another `up` may take to stop its workers and itself, in ms. */
const otherMs = leaveMs + 5_000;

export function define(command: Command): void {
  const cores = availableParallelism();
  command
    .addOption(
      new Option("--workers <n>", "worker processes")
        .argParser(countArgument("--workers", 0, 1024))
        .default(cores, "one for each core"),
    )
    .option("--listen <address>", "host and port of the coordinator", "127.0.0.1:7070")
    .option("--data <dir>", "directory for jobs and results (or $TEQUIO_DATA)")
    .option("--memory <size>", "memory of each worker, such as 2G", sizeArgument("--memory"))
    .option(
      "--scratch <size>",
      "disk space of each worker for files of running tasks (default: a share of the free space)",
      sizeArgument("--scratch"),
    )
    .option(
      "--lease <time>",
      "treat a worker as lost after this much silence (default 15s)",
      durationArgument("--lease"),
    )
    .option(
      "--low-water <size>",
      "refuse new jobs below this much free disk space, and new tasks below half of it " +
        "(default: 256M, or 5 % of a small disk)",
      sizeArgument("--low-water"),
    )
    .option(
      "--take-over",
      "stop the `tequio up` that uses the data directory, and continue in its place",
    )
    .option("--no-qr", "do not print the QR code of the link for browsers")
    .option("--insecure", "accept connections from other machines without TLS")
    .option(
      "--allow-origin <origin>",
      "let web pages of this origin, such as https://example.org, call the coordinator, with a " +
        "token; may be repeated (default: none)",
      originsArgument,
    )
    .option("--anonymous-browsers", "accept unauthenticated browsers (base browser protocol)")
    .option(
      "--slots-per-owner <n>",
      "slots that the jobs of one user may use at the same time (default: no limit)",
      countArgument("--slots-per-owner", 1, 1_000_000),
    )
    .addOption(auditOption())
    .addOption(sandboxOption())
    .addOption(pythonOption());
  withUpExamples(withSystems(command)).action(up);
}

/** What other programs and people meet, in the order of the help. */
function withSystems(command: Command): Command {
  const edges = withLibp2p(withP4(withFilesystem(withConsole(withEngines(command)))));
  return withLogJson(withJson(withUploads(withTabs(withRetention(withCertificate(edges))))));
}

function withUpExamples(command: Command): Command {
  return withExamples(command, [
    ["tequio up", "a cluster of all cores of this machine, reachable from here only"],
    ["tequio up --listen 0.0.0.0:7070", "other machines join with the command that it prints"],
    [
      "tequio up --workers 0 --data /srv/tequio",
      "a coordinator without workers, data in another directory",
    ],
    [
      "tequio up --listen 0.0.0.0:7070 --cert fullchain.pem --key privkey.pem",
      "browsers trust your certificate and do not warn",
    ],
    ["tequio up --p4-port --p4-token-file p4.token", "the master for existing P4 peers"],
    [
      "tequio up --libp2p /ip4/127.0.0.1/tcp/7075",
      "existing workers join over libp2p, and compute WebAssembly modules",
    ],
    ["tequio up --console-port 9000", "users share files with `tequio console`"],
    engineExample,
    [
      "tequio up --filesystem 8080 --jobtracker 7998 --register 9091",
      "serves programs of the filesystem protocol",
    ],
  ]);
}

function auditOption(): Option {
  const what = "tasks that an idle worker computes a second time, to see whether jobs are ";
  return new Option("--audit <percent>", `${what}deterministic`)
    .argParser(percentArgument("--audit"))
    .default(1);
}

export function sandboxOption(): Option {
  return new Option(
    "--sandbox <kind>",
    "strict: job code has no network, no privileges and no files of this machine; basic: only " +
      "the engine's own checks, for trusted code; auto: strict where this machine can",
  )
    .choices(["auto", "strict", "basic"])
    .default("auto");
}

export function pythonOption(): Option {
  const text = "interpreter of Python jobs, 3.9 or newer; none = run no Python jobs (default: ";
  return new Option("--python <path>", `${text}the python3 of PATH, if there is one)`).argParser(
    (path) => (path === "none" ? path : resolve(path)),
  );
}

/** Shorter ones would take a busy machine for a dead one. */
const leaseMinMs = 1_000;

function leaseTimes(leaseMs: number): { leaseMs: number; heartbeatMs: number } {
  if (leaseMs < leaseMinMs) {
    throw new ClusterError("bad-request", "--lease is at least 1s; the default is 15s");
  }
  return { leaseMs, heartbeatMs: Math.floor(leaseMs / 3) };
}

/** Asked four times before it is given up. */
function tabLimits({ tabReturn, tabSilence }: Options): Partial<GatewayLimits> {
  const silence =
    tabSilence === undefined
      ? {}
      : { tabTtlMs: tabSilence, pingMs: Math.min(gatewayLimits.pingMs, tabSilence / 4) };
  return { ...silence, ...(tabReturn === undefined ? {} : { resumeMs: tabReturn }) };
}

/** What the options say of the coordinator alone. */
function coordinatorOptions(options: Options) {
  const { allowOrigin, audit, lease, lowWater, slotsPerOwner, tabsMax } = options;
  const libp2p = libp2pOptions(options);
  return {
    listen: options.listen,
    version: packageVersion(),
    insecure: options.insecure ?? false,
    ...(allowOrigin === undefined ? {} : { origins: allowOrigin }),
    ...certificateOptions(options),
    auditShare: audit / 100,
    ...(lease === undefined ? {} : { liveness: leaseTimes(lease) }),
    ...(lowWater === undefined ? {} : { lowWaterBytes: lowWater }),
    ...(tabsMax === undefined ? {} : { tabsMax }),
    ...(slotsPerOwner === undefined ? {} : { slotsPerOwner }),
    ...filesystemOptions(options, (text) => console.error(text)),
    p4: p4Options(options),
    ...(libp2p === undefined ? {} : { libp2p }),
    ...(options.ipfsApi === undefined ? {} : { ipfsApi: options.ipfsApi }),
    uploads: uploadLimits(options),
    retention: retentionOptions(options),
  };
}

async function up(options: Options): Promise<void> {
  await standAgain({
    once: (hasBegun) => upOnce(options, hasBegun),
    isStandby: options.standby ?? false,
    pause: (delayMs) => pause(options, delayMs),
    print: (text) => console.error(text),
  });
}

async function upOnce(options: Options, hasBegun: () => void): Promise<void> {
  const end = endOfUp();
  try {
    const opened = await open(options, end, hasBegun);
    if (opened !== null) await run(options, opened, end);
  } finally {
    unmarkStarting(dataDirOf(options.data));
    end.release();
  }
}

/** False: a signal came meanwhile. */
async function pause(options: Options, delayMs: number): Promise<boolean> {
  const end = endOfUp();
  const over = new AbortController();
  try {
    const passed = delay(delayMs, true, { signal: over.signal });
    const goesOn = await Promise.race([passed, end.promise.then(() => false)]);
    if (!goesOn) removeEndpoint(dataDirOf(options.data));
    return goesOn;
  } finally {
    over.abort();
    end.release();
  }
}

type End = ReturnType<typeof endOfUp>;
type Running = {
  readonly dataDir: string;
  readonly coordinator: Coordinator;
  readonly hasPage: boolean;
  /** Lines of the console: later ones go above the live screen. */
  readonly screen: { print: (line: string) => void };
  readonly beside: Beside;
};

/** Coordinators that stand by, once this one leads. */
type Beside = { urls: readonly string[]; onChange: () => void };

/** Null = it was stopped while it stood by. */
async function open(options: Options, end: End, hasBegun: () => void): Promise<Running | null> {
  const waiting = new AbortController();
  const stop = () => waiting.abort();
  void end.promise.then(stop, stop);
  enoughMemory(options.memory, 1);
  const dataDir = dataDirOf(options.data);
  const screen = { print: (line: string) => console.log(line) };
  const users = consoleOptions(options, {
    onLine: (line) => (options.json ? undefined : screen.print(line)),
    onNews: (text) => console.error(text),
  });
  if (options.takeOver) await stopOther(dataDir, otherMs);
  const { openCoordinator } = await import("../../coordinator/coordinator.ts");
  const { ownGateway } = await import("./own-gateway.ts");
  const anonymousBrowsers = options.anonymousBrowsers ?? false;
  const news = (line: string) => console.error(line);
  const settings = { anonymous: anonymousBrowsers, print: news, limits: tabLimits(options) };
  const gateway = ownGateway(settings, await pageOf(dataDir, news));
  const { forget, onReplay } = replayNews(dataDir);
  const beside: Beside = { urls: [], onChange: () => {} };
  const standby = {
    dataDir,
    isJson: options.json ?? false,
    signal: waiting.signal,
    print: (line: string) => screen.print(line),
    onJoined: hasBegun,
    onStandbys(urls: readonly string[]) {
      beside.urls = urls;
      beside.onChange();
    },
  };
  const starting = openCoordinator({
    dataDir,
    onReplay,
    ...coordinatorOptions(options),
    ...engineOptions(options, standby),
    ...(users === undefined ? {} : { console: users }),
    mount: gateway.mount,
    anonymousBrowsers,
    print: news,
    onShutdown: end.resolve,
    onFatal: end.reject,
  });
  starting.catch(forget);
  try {
    const coordinator = await withAdvice({ dataDir, typed: typedArguments() }, starting);
    coordinator.acceptGateway(gateway.trackerLink());
    return { dataDir, coordinator, hasPage: gateway.hasPage, screen, beside };
  } catch (error) {
    // One that is replaced in its start was not stopped.
    if (end.fatal !== null) throw end.fatal;
    if (!waiting.signal.aborted) throw error;
    removeEndpoint(dataDir);
    return null;
  }
}

/** Building it may take long: other commands of this machine wait meanwhile. */
async function pageOf(dataDir: string, print: (line: string) => void): Promise<string | null> {
  await withAdvice({ dataDir, typed: typedArguments() }, markStarting(dataDir));
  return builtWebFolder(print);
}

async function run(options: Options, running: Running, end: End): Promise<void> {
  const { beside, coordinator, dataDir, hasPage, screen } = running;
  let localWorkers: LocalWorkers | null = null;
  let jobtracker: WorkerServing | null = null;
  try {
    jobtracker = await openJobtracker(options, besideCoordinator(coordinator, dataDir));
    const served = { coordinator, jobtracker };
    beside.onChange = () => writeEndpoint(dataDir, { ...served, standbys: beside.urls }, options);
    beside.onChange();
    unmarkStarting(dataDir);
    const { startLocalWorkers } = await import("./local-workers.ts");
    localWorkers = await startLocalWorkers({
      dir: join(dataDir, "workers"),
      count: options.workers,
      url: localUrl(coordinator.url),
      command: workerCommand(options, coordinator, dataDir),
      joinToken: () => coordinator.joinToken({ ttlMs: 600_000, usesMax: 1 }),
      onNews: (text) => console.error(text),
    });
    await announce(options, { dataDir, coordinator, jobtracker, localWorkers, hasPage });
    const { showCluster } = await import("./live.ts");
    const shown = options.json ? null : showCluster(coordinator);
    if (shown?.live) screen.print = shown.print;
    const why = await end.promise.finally(() => shown?.end());
    console.error(`${why}; workers hand back what they run`);
  } finally {
    await jobtracker?.close();
    await localWorkers?.stop(leaveMs);
    beside.onChange = () => {};
    removeEndpoint(dataDir);
    await coordinator.close();
  }
}
