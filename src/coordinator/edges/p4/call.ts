/** The type of a call of the control channel: its row in the table, its parts, and its refusals. */
import type { z } from "zod";
import { type ControlPath, control, type Refusal } from "../../../wire/p4/legality.ts";
import { refusalWords } from "../../../wire/p4/refusals.ts";
import type { Auth } from "../../access/auth.ts";
import type { Ownership } from "../../leading/answering.ts";
import type { Loop } from "../../loop/loop.ts";
import type { Machine } from "../../members/addresses.ts";
import type { Members } from "../../members/members.ts";
import type { Tickets } from "../../members/tickets.ts";

export type P4Settings = {
  /** With this token peers can register besides cluster tokens; null = none. Its bearer can share
   *  and fetch. */
  readonly genericToken: string | null;
  /** Default TTL for peers that do not request one, ms; 0 = never. */
  readonly ttlMs: number;
  /** Accept the address that a peer reports, whatever address it is seen at. */
  readonly trustAddresses: boolean;
};

export const defaultP4Settings: P4Settings = {
  genericToken: null,
  ttlMs: 3_600_000,
  trustAddresses: false,
};

export type P4Parts = {
  readonly loop: Pick<Loop, "state" | "nowMs" | "steadyMs" | "isOpen">;
  readonly auth: Pick<Auth, "principal">;
  readonly members: Members;
  readonly owner: Ownership;
  readonly tickets: Tickets;
  readonly settings: P4Settings;
  readonly machine: () => Machine;
};

export type P4Call<Body> = P4Parts & {
  readonly body: Body;
  /** Address from which the caller connects. */
  readonly seenAt: string;
  /** Of `Authorization: Bearer`; null = none. */
  readonly bearer: string | null;
};

export type P4Route = {
  readonly path: ControlPath;
  readonly methods: readonly ("GET" | "POST")[];
  readonly summary: string;
  readonly bodyMaxBytes: number;
  readonly body: z.ZodType;
  readonly answer: z.ZodType;
  /** Besides those of every call. */
  readonly refusals: readonly Refusal[];
  readonly handle: (call: P4Call<unknown>) => object;
};

const smallMaxBytes = 64 * 1024;

/** The handler gets the validated body; methods and refusals are those of the protocol's table. */
export function route<Body>(
  one: Pick<P4Route, "path" | "summary" | "answer"> & {
    readonly body: z.ZodType<Body>;
    /** Default: 64 KiB. */
    readonly bodyMaxBytes?: number;
    /** Returns the answer, or a promise of it. */
    readonly handle: (call: P4Call<Body>) => object;
  },
): P4Route {
  const { methods, refusals } = control[one.path];
  return { bodyMaxBytes: smallMaxBytes, ...one, methods, refusals } as unknown as P4Route;
}

/** An answer other than 200; its message is part of the protocol. */
export class P4Refusal extends Error {
  readonly status: number;
  /** The caller presented an invalid token. */
  readonly isGuess: boolean;

  constructor(status: number, message: string, isGuess = false) {
    super(message);
    this.name = "P4Refusal";
    this.status = status;
    this.isGuess = isGuess;
  }
}

export const invalidRequest = () => new P4Refusal(400, "Invalid request");
/** `status`: 401 where a file is asked for, else 404. */
export const peerNotFound = (status: 401 | 404) =>
  new P4Refusal(status, refusalWords.peerUnknown, true);
export const fileNotFound = () => new P4Refusal(404, "File not found");
