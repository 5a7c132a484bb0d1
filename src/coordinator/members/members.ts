/** Members of the cluster and what they share, for every edge that uses them: the console protocol,
 *  P4's control channel, and the HTTP API.
 *
 *  Durable facts are events of the core. The rest is here: when each member last gave a sign of
 *  life. Members from before a restart have one whole TTL for the next. */
import { createHash, randomBytes } from "node:crypto";
import { isOfWorker, tokenProblem } from "../../core/access/roles.ts";
import type { MemberAddress, MemberEvent, MemberRecord, SharedFile } from "../../core/catalogue.ts";
import type { Offer } from "../../core/sharing/offers.ts";
import {
  type IsHere,
  memberNamed,
  memberRecords,
  offeredFiles,
  offeredNames,
  peerOfToken,
  sharingVersion,
  sourcesOf,
  type WantedFile,
} from "../../core/sharing/view.ts";
import { tokenRecord } from "../../core/view.ts";
import type { Reply } from "../loop/journal.ts";
import type { Loop } from "../loop/loop.ts";
import type { Timers } from "../loop/timers.ts";
import { SignsOfLife } from "./signs-of-life.ts";

export type MembersOptions = {
  readonly loop: Loop;
  readonly timers: Timers;
  /** Interval between checks for silent members, ms. Default 1,000, well below what counts as a
   *  pause. */
  readonly tickMs?: number;
};

export type NewPeer = {
  readonly name: string;
  readonly owner: string;
  /** Id of the cluster token that it presented; "" = none. */
  readonly admittedBy: string;
  readonly address: MemberAddress;
  /** TTL: silence after which it is removed; 0 = never. */
  readonly ttlMs: number;
};

/** How an existing entry of the same name is treated; see core/catalogue.ts. */
export type Existing = Extract<MemberEvent, { kind: "files-published" }>["existing"];

export type Leaving = Extract<MemberEvent, { kind: "member-disconnected" }>["reason"];

export class Members {
  readonly #loop: Loop;
  readonly #timers: Timers;
  readonly #tickMs: number;
  readonly #signs = new SignsOfLife();
  #cancelTick: () => void;
  #names: { readonly version: number; readonly untilMs: number; readonly list: string[] } | null =
    null;

  constructor({ loop, timers, tickMs = 1_000 }: MembersOptions) {
    this.#loop = loop;
    this.#timers = timers;
    this.#tickMs = tickMs;
    const nowMs = loop.steadyMs();
    for (const { address, name, ttlMs } of memberRecords(loop.state)) {
      if (address !== null) this.#signs.watch(name, ttlMs, nowMs);
    }
    this.#cancelTick = () => {};
    this.#tick();
  }

  stop(): void {
    this.#cancelTick();
  }

  /** All members in the order of registration. */
  list(): MemberRecord[] {
    return [...memberRecords(this.#loop.state)];
  }

  find(name: string): MemberRecord | null {
    return memberNamed(this.#loop.state, name);
  }

  /** Connected, not expired, and not excluded since. */
  isHere = (member: MemberRecord): boolean =>
    member.address !== null &&
    !this.#signs.isSilent(member.name, this.#loop.steadyMs()) &&
    this.#isAdmitted(member);

  /** Time of its last sign of life, by the coordinator's clock; null for one that is not
   *  connected. */
  heardAtMs(name: string): number | null {
    const heardAtMs = this.#signs.heardAtMs(name);
    const loop = this.#loop;
    return heardAtMs === null ? null : heardAtMs - loop.steadyMs() + loop.nowMs();
  }

  /** The peer to which this token was issued; null when it is gone, silent, or no longer
   *  admitted. */
  peerOf(token: string): MemberRecord | null {
    const peer = peerOfToken(this.#loop.state, sha256(token));
    return peer !== null && this.isHere(peer) ? peer : null;
  }

  /** A sign of life; false when it comes too late, or there is no such member connected. */
  touch(name: string): boolean {
    return this.#signs.heard(name, this.#loop.steadyMs());
  }

  /** It will give a sign of life within its TTL by itself. */
  promised(name: string): void {
    this.#signs.promised(name);
  }

  /** Peers that have promised no heartbeats and whose TTL is half over. */
  quietPeers(): MemberRecord[] {
    const names = this.#signs.quiet(this.#loop.steadyMs());
    return names.flatMap((name) => {
      const member = this.find(name);
      return member?.kind === "peer" ? [member] : [];
    });
  }

  /** Resolves with the peer's token, which is stored nowhere else. Rejects: conflict,
   *  limit-exceeded, bad-request. */
  async registerPeer(peer: NewPeer): Promise<string> {
    const token = randomBytes(32).toString("hex");
    const { name, owner, admittedBy, address, ttlMs } = peer;
    this.#bury(name);
    const event = { member: "peer", name, owner, admittedBy, address, ttlMs } as const;
    await this.#post({ kind: "member-registered", ...event, tokenHash: sha256(token) }, () =>
      this.#signs.watch(name, ttlMs, this.#loop.steadyMs()),
    );
    return token;
  }

  /** A user of the console, not yet connected. */
  async registerUser(name: string, owner: string): Promise<void> {
    const event = { member: "user", name, owner, tokenHash: "", address: null, ttlMs: 0 } as const;
    await this.#post({ kind: "member-registered", ...event });
  }

  async unregister(name: string): Promise<void> {
    await this.#leave(name, { kind: "member-unregistered", name });
  }

  async connect(name: string, address: MemberAddress, ttlMs: number): Promise<void> {
    await this.#post({ kind: "member-connected", name, address, ttlMs }, () =>
      this.#signs.watch(name, ttlMs, this.#loop.steadyMs()),
    );
  }

  /** A user keeps its name and files, a peer is removed. */
  async disconnect(name: string, reason: Leaving = "asked"): Promise<void> {
    await this.#leave(name, { kind: "member-disconnected", name, reason });
  }

  async publish(name: string, files: readonly SharedFile[], existing: Existing): Promise<void> {
    await this.#post({ kind: "files-published", name, files, existing });
  }

  async withdraw(name: string, files: readonly string[]): Promise<void> {
    await this.#post({ kind: "files-withdrawn", name, files });
  }

  /** The members that offer this now, the first owner first. */
  sources(wanted: WantedFile): Array<Readonly<Offer>> {
    return sourcesOf(this.#loop.state, wanted, this.isHere);
  }

  /** Distinct names of all files offered now, sorted by code units. Do not change it. */
  names(): readonly string[] {
    const nowMs = this.#loop.steadyMs();
    const version = sharingVersion(this.#loop.state);
    const kept = this.#names;
    if (kept !== null && kept.version === version && nowMs < kept.untilMs) return kept.list;
    const list = offeredNames(this.#loop.state, this.#present()).sort();
    this.#names = { version, untilMs: nowMs + this.#signs.nextInMs(nowMs), list };
    return list;
  }

  /** The first entry of each name offered now. */
  files(): SharedFile[] {
    return [...offeredFiles(this.#loop.state, this.#present())];
  }

  /** The members that are connected, looked up once for all of their files. */
  #present(): IsHere {
    const present = new Set(this.list().filter(this.isHere));
    return (member) => present.has(member);
  }

  #post(event: MemberEvent, answered?: (reply: Reply) => void): Promise<Reply> {
    return this.#loop.post(event, answered);
  }

  /** Stops watching the member, so that its silence cannot be reported for a later member of the
   *  same name. */
  async #leave(name: string, event: MemberEvent): Promise<void> {
    const member = this.find(name);
    this.#signs.forget(name);
    try {
      await this.#post(event);
    } catch (error) {
      const now = this.find(name);
      if (member !== null && now === member && now.address !== null) {
        this.#signs.watch(name, now.ttlMs, this.#loop.steadyMs());
      }
      throw error;
    }
  }

  /** Frees the name of a peer that has expired, although that is not in the log yet. */
  #bury(name: string): void {
    const member = this.find(name);
    if (member?.kind === "peer" && !this.isHere(member)) this.#tell(name, "silent");
  }

  /** A spent or expired join token admits no new members and keeps those it has admitted; other
   *  tokens must be valid. One that is no longer in the log expired a day before: members that it
   *  excluded are gone. */
  #isAdmitted({ admittedBy }: MemberRecord): boolean {
    const token = admittedBy === "" ? null : tokenRecord(this.#loop.state, admittedBy);
    if (token === null) return true;
    const problem = tokenProblem(token, this.#loop.nowMs());
    return problem === null || (isOfWorker(token.role) && problem !== "revoked");
  }

  #tick(): void {
    for (const name of this.#signs.due(this.#loop.steadyMs())) this.#tell(name, "silent");
    for (const member of memberRecords(this.#loop.state)) {
      if (!this.#isAdmitted(member)) this.#tell(member.name, "revoked");
    }
    this.#cancelTick = this.#timers.after(this.#tickMs, () => this.#tick());
  }

  /** Once: what is posted after it may already concern the next member of that name. */
  #tell(name: string, reason: Leaving): void {
    if (!this.#signs.tell(name)) return;
    this.#post({ kind: "member-disconnected", name, reason }, () => this.#signs.forget(name)).catch(
      () => this.#signs.tellAgain(name),
    );
  }
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
