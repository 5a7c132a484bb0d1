/** The options of a coordinator. */
import type { Shuffle } from "../core/job.ts";
import type { Listen } from "../link/listen.ts";
import type { Log } from "../store/log/log.ts";
import type { ConsoleOptions } from "./edges/console/edge.ts";
import type { FilesystemOptions } from "./edges/filesystem/edge.ts";
import type { RegisterOptions } from "./edges/filesystem/register/edge.ts";
import type { ServeLimits } from "./edges/http/edge.ts";
import type { Mount } from "./edges/http/mount.ts";
import type { Libp2pOptions } from "./edges/libp2p/edge.ts";
import type { P4Settings } from "./edges/p4/call.ts";
import type { LivenessOptions } from "./edges/worker/liveness.ts";
import type { RetentionOptions } from "./jobs/retention.ts";
import type { LeadingOptions } from "./leading/leadership.ts";
import type { ReplayProgress } from "./loop/journal.ts";
import type { UploadLimits } from "./relay/uploads.ts";

export type StartingAt = { readonly url: string; readonly fingerprint: string };

/** PEM texts, with what they say. */
export type GivenCertificate = {
  readonly cert: string;
  readonly key: string;
  /** The name of links to the coordinator; null = the address that it listens at. */
  readonly host: string | null;
  /** No authority has signed it: browsers warn of it, and workers pin it. */
  readonly isSelfSigned: boolean;
};

export type CoordinatorOptions = {
  /** Created if it is missing; one coordinator at a time. */
  readonly dataDir: string;
  /** The log lies in an engine, and other coordinators may stand by; absent = a file of the
   *  directory, for this coordinator alone. */
  readonly leading?: LeadingOptions;
  /** Owned by the coordinator from then on; default: a file of the directory. */
  readonly log?: Log;
  /** Directory of the blobs, or `s3://bucket/prefix?endpoint=…`, which several coordinators may
   *  share; absent = in the data directory. */
  readonly blobs?: string;
  /** Where the partitions lie of jobs that do not say it themselves; "s3" needs blobs in S3.
   *  Default: at the workers. */
  readonly shuffle?: Shuffle;
  /** `host:port`; port 0 = any free one. */
  readonly listen: string;
  /** Of the software, for people. */
  readonly version: string;
  /** Listen beyond this machine without TLS. Default false: then TLS with a certificate of its
   *  own. */
  readonly insecure?: boolean;
  /** TLS with this certificate, also on this machine; absent = see `insecure`. */
  readonly certificate?: GivenCertificate;
  /** Names besides addresses, localhost and this machine's, that are accepted as its Host. */
  readonly hosts?: readonly string[];
  /** Origins of web pages that may call it. */
  readonly origins?: readonly string[];
  readonly liveness?: Partial<LivenessOptions>;
  readonly limits?: Partial<ServeLimits>;
  /** A snapshot is taken after so many records. Default: see the loop. */
  readonly snapshotRecords?: number;
  /** Called periodically while a long log is replayed; `at`: where calls are answered meanwhile,
   *  null when that is not known yet (port 0). */
  readonly onReplay?: (progress: ReplayProgress, at: StartingAt | null) => void;
  /** No new job or upload is accepted while the disk has less; 0 = no limit. Default: 256 MiB, or a
   *  twentieth of a smaller disk. */
  readonly lowWaterBytes?: number;
  /** How long and how much of ended jobs is kept. */
  readonly retention?: Partial<RetentionOptions>;
  /** The server of the console protocol, which has no authentication; absent = none. */
  readonly console?: ConsoleOptions;
  /** The file system of the filesystem protocol, which has no authentication; absent = none. */
  readonly filesystem?: FilesystemOptions;
  /** Its register, likewise. */
  readonly register?: RegisterOptions;
  /** The control channel of P4 has a port of its own when `listen` is given; below /p4 of the main
   *  one it always is. */
  readonly p4?: Partial<P4Settings> & { readonly listen?: Listen };
  /** Workers over libp2p; absent = none. */
  readonly libp2p?: Libp2pOptions;
  /** RPC address of an IPFS node, as `http://127.0.0.1:5001`, that gets the modules of existing
   *  workers; absent = none. */
  readonly ipfsApi?: string;
  /** A gateway on the same port. */
  readonly mount?: Mount;
  /** Accept unauthenticated browsers behind gateways: they get only tasks of jobs that allow it. */
  readonly anonymousBrowsers?: boolean;
  /** Slots that one owner's tasks may use at the same time. Default: unlimited. */
  readonly slotsPerOwner?: number;
  /** Share of the tasks of own workers that idle ones compute a second time, 0 to 1, to see whether
   *   jobs are deterministic. Default 0. */
  readonly auditShare?: number;
  /** Tabs of one owner at the same time. Default 1,000. */
  readonly tabsMax?: number;
  /** Limits of what tabs may upload. */
  readonly uploads?: Partial<UploadLimits>;
  /** One line for people, safe for a terminal. Default: to standard error. */
  readonly print?: (line: string) => void;
  /** Default: the coordinator closes itself. */
  readonly onShutdown?: () => void;
  /** The log or an assertion failed: everything is closed already. Default: throws, which ends the
   *  process. */
  readonly onFatal?: (error: Error) => void;
  /** A bug ended a call of the HTTP API. Default: printed to standard error. */
  readonly onError?: (error: unknown) => void;
};
