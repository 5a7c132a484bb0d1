/** What a coordinator can be opened with. */
import type { Listen } from "../link/listen.ts";
import type { ConsoleOptions } from "./edges/console/edge.ts";
import type { FilesystemOptions } from "./edges/filesystem/edge.ts";
import type { RegisterOptions } from "./edges/filesystem/register/edge.ts";
import type { ServeLimits } from "./edges/http/edge.ts";
import type { Mount } from "./edges/http/mount.ts";
import type { P4Settings } from "./edges/p4/call.ts";
import type { LivenessOptions } from "./edges/worker/liveness.ts";
import type { RetentionOptions } from "./jobs/retention.ts";
import type { ReplayProgress } from "./loop/journal.ts";
import type { UploadLimits } from "./relay/uploads.ts";

export type StartingAt = { readonly url: string; readonly fingerprint: string };

export type CoordinatorOptions = {
  /** Made when it is not there; one coordinator at a time. */
  readonly dataDir: string;
  /** `host:port`; port 0 = any free one. */
  readonly listen: string;
  /** Of the software, for people. */
  readonly version: string;
  /** Listen beyond this machine without TLS. Default false: then TLS with a certificate of its
   *  own. */
  readonly insecure?: boolean;
  /** Names besides addresses, localhost and this machine's, by which it may be called. */
  readonly hosts?: readonly string[];
  /** Origins of web pages that may call it. */
  readonly origins?: readonly string[];
  readonly liveness?: Partial<LivenessOptions>;
  readonly limits?: Partial<ServeLimits>;
  /** A snapshot is taken after so many records. Default: see the loop. */
  readonly snapshotRecords?: number;
  /** Told now and then while a long log is replayed; `at`: where calls are answered so meanwhile,
   *  null when that is not known yet (port 0). */
  readonly onReplay?: (progress: ReplayProgress, at: StartingAt | null) => void;
  /** No new job or upload is taken while the disk has less; 0 = no mark. Default: 256 MiB, or a
   *  twentieth of a smaller disk. */
  readonly lowWaterBytes?: number;
  /** How long and how much of ended jobs is kept. */
  readonly retention?: Partial<RetentionOptions>;
  /** The console of seed 3, which has no authentication; absent = none. */
  readonly console?: ConsoleOptions;
  /** The file system of the filesystem protocol, which has no authentication; absent = none. */
  readonly filesystem?: FilesystemOptions;
  /** Its register, likewise. */
  readonly register?: RegisterOptions;
  /** The control channel of P4 has a port of its own when `listen` is given; below /p4 of the main
   *  one it always is. */
  readonly p4?: Partial<P4Settings> & { readonly listen?: Listen };
  /** A gateway on the same port. */
  readonly mount?: Mount;
  /** Take browsers behind gateways that show no token: they get only tasks of jobs that allow
   *  it. */
  readonly anonymousBrowsers?: boolean;
  /** Slots that one owner's tasks may take at the same time. Default: any number. */
  readonly slotsPerOwner?: number;
  /** Tabs of one owner at the same time. Default 1,000. */
  readonly tabsMax?: number;
  /** What tabs may bring to its disk. */
  readonly uploads?: Partial<UploadLimits>;
  /** One line for people, safe for a terminal. Default: to standard error. */
  readonly print?: (line: string) => void;
  /** Default: the coordinator closes itself. */
  readonly onShutdown?: () => void;
  /** The log failed or a law is broken: everything is closed already. Default: throws, which ends
   *  the process. */
  readonly onFatal?: (error: Error) => void;
  /** A call of the HTTP API ended in a bug. Default: printed to standard error. */
  readonly onError?: (error: unknown) => void;
};
