/** What the calls of the filesystem protocol need. */

import type { Databases } from "../store/databases.ts";
import type { Files } from "../store/files.ts";
import type { Offered } from "../store/offered.ts";
import type { PeerFiles } from "../store/peer-files.ts";

export type CallLimits = {
  /** Calls in progress; further callers are asked to retry. */
  readonly callsMax: number;
  /** Longest wait for the next message of a call, ms. */
  readonly silenceMs: number;
  /** How long a request waits for a file that is being written, ms: callers wait 5 s. */
  readonly lockMs: number;
  /** How long the port of APPENDBLOCK waits for a further message, ms. */
  readonly appendMs: number;
  /** How long pairs that were acknowledged wait for files that other calls write, ms. */
  readonly mergeMs: number;
};

export const defaultCallLimits: CallLimits = {
  callsMax: 256,
  silenceMs: 10_000,
  lockMs: 1_500,
  appendMs: 2_000,
  mergeMs: 600_000,
};

export type CallContext = {
  readonly files: Files;
  readonly databases: Databases;
  readonly offered: Offered;
  readonly peerFiles: PeerFiles;
  readonly limits: CallLimits;
  /** OK with the address of a call's port. */
  readonly answerOf: (port: number) => Uint8Array;
};

/** The port of one call, as calls see it; see link/zeromq/call-port.ts. */
export type Port = {
  readonly port: number;
  receive(): Promise<Uint8Array>;
  reply(answer: Uint8Array): Promise<void>;
};

/** The second step of a call; the port is closed when it settles. `end` releases what it holds,
 *  also when the second step never comes. */
export type SecondStep = {
  run(port: Port): Promise<void>;
  end?(): void;
  /** Its answers are content. */
  readonly sendsData?: true;
  /** Default: the limit for all calls. */
  readonly silenceMs?: number;
};
