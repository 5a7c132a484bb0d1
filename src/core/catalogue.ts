/** Who shares which files: the users of the console and the peers of P4 are one kind of thing, a
 *  *member*, and what members offer is one catalogue.
 *
 *  1. A member's name is unique among all members, whichever way it came.
 *  2. A file is offered while its owner is connected. Owners of one name are listed in the order in
 *     which they published it; names in the order in which they first appeared.
 *  3. A peer that leaves, or shows no sign of life within its TTL, is removed with all of its
 *     files; a user of the console is only disconnected, and keeps name and files.
 *  4. Signs of life are not events; silence is (`member-disconnected`, see decisions/0002). */
import type { Hash } from "./ids.ts";

/** user: registered by the console protocol, no token · peer: registered by P4, holds a token. */
export type MemberKind = "user" | "peer";

/** Where a member serves its files. The host is the one that it was seen at or proved. */
export type MemberAddress = {
  readonly host: string;
  readonly port: number;
  /** SHA-256 of the certificate that it shows there, hex: then it is asked by TLS alone. Absent for
   *  a member that serves in the clear: on one machine, existing peers, users of the console. */
  readonly fingerprint?: string;
};

export type SharedFile = {
  /** As its owner calls it, `/` between folders; other members never use it as a path. */
  readonly name: string;
  readonly description: string;
  /** Merkle root of the content; null when the owner did not say (existing clients cannot). */
  readonly root: Hash | null;
  readonly sizeBytes: number | null;
};

export type MemberRecord = {
  readonly name: string;
  readonly kind: MemberKind;
  /** Whose member it is, for permissions: owner of the token that it registered with. */
  readonly owner: string;
  /** SHA-256 of the peer's token; "" for users. */
  readonly tokenHash: Hash;
  /** Id of the cluster token that it registered with: revoked, it ends the member's word. "" =
   *  none. */
  readonly admittedBy: string;
  /** Null = not connected. */
  address: MemberAddress | null;
  /** Silence after which it is gone, in ms; 0 = never. */
  ttlMs: number;
  /** By name, in the order of publication. */
  readonly files: Map<string, SharedFile>;
};

export type CatalogueLimits = {
  /** Members, connected or not. */
  readonly membersMax: number;
  /** Files of all members together. */
  readonly filesMax: number;
  /** Files of one member. */
  readonly filesPerMemberMax: number;
  /** UTF-8 bytes of a file's name, and of its description. */
  readonly nameBytesMax: number;
  /** UTF-8 bytes of all names and descriptions together: a snapshot is one text. */
  readonly textBytesMax: number;
};

export const catalogueLimits: CatalogueLimits = {
  membersMax: 100_000,
  filesMax: 1_000_000,
  filesPerMemberMax: 200_000,
  nameBytesMax: 4_096,
  textBytesMax: 96 * 1024 * 1024,
};

/** What can happen to members; part of `CoordinatorEvent`. Each is answered by `reply` or `refuse`:
 *  not-found (no such member or file), conflict (name, connection or file is there already; or the
 *  member must be connected for it and is not), limit-exceeded, bad-request. */
export type MemberEvent =
  | {
      readonly kind: "member-registered";
      readonly name: string;
      readonly member: MemberKind;
      readonly owner: string;
      readonly tokenHash: Hash;
      readonly admittedBy?: string;
      /** A peer is connected from the start; a user is not. */
      readonly address: MemberAddress | null;
      readonly ttlMs: number;
    }
  /** It leaves, with all of its files. */
  | { readonly kind: "member-unregistered"; readonly name: string }
  /** Of a user that is not connected, or of a peer that has moved. */
  | {
      readonly kind: "member-connected";
      readonly name: string;
      readonly address: MemberAddress;
      readonly ttlMs: number;
    }
  | {
      readonly kind: "member-disconnected";
      readonly name: string;
      /** asked: at its own request · silent: no sign of life within its TTL · revoked: the token
       *  that it registered with is not good any more. */
      readonly reason: "asked" | "silent" | "revoked";
    }
  | {
      readonly kind: "files-published";
      readonly name: string;
      readonly files: readonly SharedFile[];
      /** refuse: nothing is published when one of the names is there already · renew: the entry is
       *  replaced and keeps its place · replace: these are all files of the member from now on. */
      readonly existing: "refuse" | "renew" | "replace";
    }
  | {
      readonly kind: "files-withdrawn";
      readonly name: string;
      readonly files: readonly string[];
    };
