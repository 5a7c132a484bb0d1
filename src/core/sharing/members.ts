/** Members that come and go, and what they publish: the decisions behind `MemberEvent`. */
import {
  catalogueLimits,
  type MemberAddress,
  type MemberEvent,
  type MemberRecord,
  type SharedFile,
} from "../catalogue.ts";
import type { Effect } from "../effect.ts";
import { ClusterError, type ErrorCode } from "../error.ts";
import type { Hash } from "../ids.ts";
import { descriptionProblem, fileNameProblem, memberNameProblem, utf8Bytes } from "./names.ts";
import { Offers } from "./offers.ts";

/** The part of the state that is about sharing. */
export type Sharing = {
  /** In the order of registration. */
  readonly members: Map<string, MemberRecord>;
  /** Peers by the hash of their token. */
  readonly peers: Map<Hash, MemberRecord>;
  readonly offers: Offers;
  /** Grows with every change since the start, so that views may be kept; in no snapshot. */
  changes: number;
};

export function emptySharing(): Sharing {
  return { members: new Map(), peers: new Map(), offers: new Offers(), changes: 0 };
}

type Of<K extends MemberEvent["kind"]> = Extract<MemberEvent, { kind: K }>;

/** Changes all or nothing, and pushes the answer. */
export function applyMemberEvent(sharing: Sharing, event: MemberEvent, effects: Effect[]): void {
  const refusal =
    event.kind === "member-registered" ? register(sharing, event) : of(sharing, event);
  if (refusal !== null) effects.push({ kind: "refuse", error: refusal });
  else {
    sharing.changes++;
    effects.push({ kind: "reply", value: {} });
  }
}

function of(
  sharing: Sharing,
  event: Exclude<MemberEvent, { kind: "member-registered" }>,
): ClusterError | null {
  const member = sharing.members.get(event.name);
  if (member === undefined) {
    return refusal("not-found", `there is no member ${shown(event.name)}; register it first`);
  }
  switch (event.kind) {
    case "member-unregistered":
      return forget(sharing, member);
    case "member-connected":
      return connect(member, event);
    case "member-disconnected":
      return disconnect(sharing, member);
    case "files-published":
      return mustBeConnected(member) ?? publish(sharing, member, event);
    case "files-withdrawn":
      return mustBeConnected(member) ?? withdraw(sharing, member, event.files);
  }
}

function register(sharing: Sharing, event: Of<"member-registered">): ClusterError | null {
  const { name, owner, tokenHash, address, ttlMs, admittedBy = "" } = event;
  const problem = memberNameProblem(name);
  if (problem !== null) return refusal("bad-request", `the name of a member ${problem}`);
  const isPeer = event.member === "peer";
  if (isPeer !== (address !== null) || isPeer !== (tokenHash !== "")) {
    const text = `a peer has an address and a token, a user has neither: ${shown(name)}`;
    return refusal("bad-request", text);
  }
  if (!isTtl(ttlMs) || (address !== null && !isAddress(address))) return badPlace(name);
  if (sharing.members.has(name)) {
    return refusal("conflict", `there is a member ${shown(name)} already; take another name`);
  }
  const { membersMax } = catalogueLimits;
  if (sharing.members.size >= membersMax) {
    return refusal("limit-exceeded", `there are ${membersMax} members, which is the most`);
  }
  const { member: kind } = event;
  const files = new Map<string, SharedFile>();
  const member = { name, kind, owner, tokenHash, admittedBy, address, ttlMs, files };
  sharing.members.set(name, member);
  if (isPeer) sharing.peers.set(tokenHash, member);
  return null;
}

function forget(sharing: Sharing, member: MemberRecord): null {
  for (const name of [...member.files.keys()]) sharing.offers.take(member, name);
  sharing.members.delete(member.name);
  if (member.kind === "peer") sharing.peers.delete(member.tokenHash);
  return null;
}

function connect(member: MemberRecord, event: Of<"member-connected">): ClusterError | null {
  if (!isTtl(event.ttlMs) || !isAddress(event.address)) return badPlace(member.name);
  if (member.kind === "user" && member.address !== null) {
    return refusal("conflict", `member ${shown(member.name)} is connected already`);
  }
  member.address = event.address;
  member.ttlMs = event.ttlMs;
  return null;
}

/** A peer that is not here is no member any more; see law 3 of core/catalogue.ts. */
function disconnect(sharing: Sharing, member: MemberRecord): ClusterError | null {
  if (member.kind === "peer") return forget(sharing, member);
  const refused = mustBeConnected(member);
  if (refused === null) member.address = null;
  return refused;
}

function publish(
  sharing: Sharing,
  member: MemberRecord,
  { files, existing }: Of<"files-published">,
): ClusterError | null {
  const names = new Set<string>();
  for (const file of files) {
    const problem = fileProblem(file);
    if (problem !== null) return refusal("bad-request", `file ${shown(file.name)} ${problem}`);
    if (names.has(file.name)) {
      return refusal("bad-request", `file ${shown(file.name)} is there twice in one list`);
    }
    names.add(file.name);
    if (existing === "refuse" && member.files.has(file.name)) {
      return refusal("conflict", `${member.name} has published ${shown(file.name)} already`);
    }
  }
  const beyond = beyondLimits(sharing, member, { files, existing });
  if (beyond !== null) return beyond;
  if (existing === "replace") {
    for (const name of [...member.files.keys()]) {
      if (!names.has(name)) sharing.offers.take(member, name);
    }
  }
  for (const { name, description, root, sizeBytes } of files) {
    sharing.offers.put(member, { name, description, root, sizeBytes });
  }
  return null;
}

function beyondLimits(
  { offers }: Sharing,
  member: MemberRecord,
  { files, existing }: Pick<Of<"files-published">, "files" | "existing">,
): ClusterError | null {
  const { filesMax, filesPerMemberMax, textBytesMax } = catalogueLimits;
  let added = 0;
  let addedBytes = 0;
  for (const file of files) {
    if (!member.files.has(file.name)) added++;
    addedBytes += utf8Bytes(file.name) + utf8Bytes(file.description);
  }
  // What is replaced goes first; what is renewed is counted twice, which only errs on the safe
  // side.
  const after = existing === "replace" ? files.length : member.files.size + added;
  if (after > filesPerMemberMax) {
    const text = `${member.name} may publish ${filesPerMemberMax} files, not ${after}`;
    return refusal("limit-exceeded", `${text}; share a folder as one archive`);
  }
  if (offers.count - member.files.size + after > filesMax) {
    return refusal("limit-exceeded", `the catalogue has room for ${filesMax} files, not more`);
  }
  if (addedBytes + offers.textBytes > textBytesMax) {
    const text = `names and descriptions of all files are above ${textBytesMax} bytes`;
    return refusal("limit-exceeded", text);
  }
  return null;
}

function withdraw(
  sharing: Sharing,
  member: MemberRecord,
  names: readonly string[],
): ClusterError | null {
  for (const name of names) {
    if (member.files.has(name)) continue;
    return refusal("not-found", `${member.name} has not published ${shown(name)}`);
  }
  for (const name of names) sharing.offers.take(member, name);
  return null;
}

function mustBeConnected(member: MemberRecord): ClusterError | null {
  if (member.address !== null) return null;
  return refusal("conflict", `member ${shown(member.name)} is not connected; connect it first`);
}

function fileProblem({ name, description, root, sizeBytes }: SharedFile): string | null {
  const problem = fileNameProblem(name) ?? descriptionProblem(description);
  if (problem !== null) return problem;
  if (root !== null && !/^[0-9a-f]{64}$/.test(root)) return "has a root that is no SHA-256";
  const isSize = sizeBytes === null || (Number.isSafeInteger(sizeBytes) && sizeBytes >= 0);
  return isSize ? null : "has a size that is no number of bytes";
}

function isAddress({ fingerprint, host, port }: MemberAddress): boolean {
  const isPort = Number.isInteger(port) && port > 0 && port < 65_536;
  const isPin = fingerprint === undefined || /^[0-9a-f]{64}$/.test(fingerprint);
  return /^[^\s/]{1,255}$/.test(host) && isPort && isPin;
}

function isTtl(ttlMs: number): boolean {
  return Number.isSafeInteger(ttlMs) && ttlMs >= 0;
}

function badPlace(name: string): ClusterError {
  return refusal("bad-request", `address or TTL of ${shown(name)} cannot be used as given`);
}

function refusal(code: ErrorCode, text: string): ClusterError {
  return new ClusterError(code, text);
}

/** As much of a name as a message needs. */
function shown(name: string): string {
  return JSON.stringify(name.slice(0, 100));
}
