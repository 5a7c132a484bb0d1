/** Liveness of connected users: their listeners are probed now and then, and a user with a dead
 *  listener is disconnected.
 *
 *  The probe is a whole GET_FILE for an absent file: some clients read a connection that ends
 *  without a request for ever. Its path is an absent name in a folder that exists, since one client
 *  handles an absent file and dies of any other error. */
import type { MemberAddress, MemberRecord } from "../../../core/catalogue.ts";
import { ClusterError } from "../../../core/error.ts";
import { dialTcp, isRefused } from "../../../link/tcp/dial.ts";
import { finish, gather } from "../../../link/tcp/gather.ts";
import { encodeRequest } from "../../../wire/console/codec.ts";
import type { Timers } from "../../loop/timers.ts";
import type { Members } from "../../members/members.ts";

export type PresenceLimits = {
  /** From the end of one round to the next, ms; 0 = no rounds. */
  readonly everyMs: number;
  /** Time limit of one probe, ms. */
  readonly probeMs: number;
  /** Probes in a row without a connection after which a user is gone. So many because a client
   *  that sends a large file takes no other connection meanwhile. */
  readonly missesMax: number;
  /** Refused probes in a row after which a user is gone. */
  readonly refusalsMax: number;
  /** After its CONNECT a user is taken to be there for so long, ms. */
  readonly graceMs: number;
  /** Probes at once. */
  readonly probesMax: number;
};

export const defaultPresenceLimits: PresenceLimits = {
  everyMs: 30_000,
  probeMs: 2_000,
  missesMax: 20,
  refusalsMax: 2,
  graceMs: 3_000,
  probesMax: 16,
};

export type Presence = {
  /** Called before another client takes the user's place. */
  isAlive(member: MemberRecord): Promise<boolean>;
  /** It has just sent CONNECT. */
  connected(name: string): void;
};

export type PresenceOptions = {
  readonly members: Members;
  readonly timers: Timers;
  readonly limits?: Partial<PresenceLimits>;
};

export class ProbedPresence implements Presence {
  readonly #members: Members;
  readonly #timers: Timers;
  readonly #limits: PresenceLimits;
  readonly #connectedAtMs = new Map<string, number>();
  readonly #misses = new WeakMap<MemberAddress, { failed: number; refused: number }>();
  #cancelTimer = () => {};
  #round: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor({ members, timers, limits }: PresenceOptions) {
    this.#members = members;
    this.#timers = timers;
    this.#limits = { ...defaultPresenceLimits, ...limits };
    this.#arm();
  }

  connected(name: string): void {
    this.#connectedAtMs.set(name, this.#timers.monotonicMs());
  }

  async isAlive({ name, address }: MemberRecord): Promise<boolean> {
    if (address === null) return false;
    if (this.#isFresh(name)) return true;
    for (let refused = 0; refused < this.#limits.refusalsMax; refused += 1) {
      const found = await this.#probe(address);
      if (found !== "refused") return found === "alive";
    }
    return false;
  }

  /** Probes all users once; for tests, and the timer. */
  async tryAll(): Promise<void> {
    const { probesMax } = this.#limits;
    const waiting = this.#members
      .list()
      .filter(({ kind, name, address }) => kind === "user" && address && !this.#isFresh(name))
      .map(({ name }) => name);
    const tryNext = async () => {
      for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
        if (!this.#stopped) await this.#try(name);
      }
    };
    await Promise.all(Array.from({ length: probesMax }, tryNext));
    for (const name of this.#connectedAtMs.keys()) {
      if (!this.#isFresh(name)) this.#connectedAtMs.delete(name);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer();
    await this.#round;
  }

  #isFresh(name: string): boolean {
    const atMs = this.#connectedAtMs.get(name);
    return atMs !== undefined && this.#timers.monotonicMs() - atMs < this.#limits.graceMs;
  }

  async #try(name: string): Promise<void> {
    const address = this.#members.find(name)?.address ?? null;
    if (address === null) return;
    const found = await this.#probe(address);
    const before = this.#misses.get(address) ?? { failed: 0, refused: 0 };
    const failed = found === "alive" ? 0 : before.failed + 1;
    const refused = found === "refused" ? before.refused + 1 : 0;
    this.#misses.set(address, { failed, refused });
    const isGone = refused >= this.#limits.refusalsMax || failed >= this.#limits.missesMax;
    // Meanwhile it may have come back elsewhere.
    if (!isGone || this.#members.find(name)?.address !== address) return;
    await this.#members.disconnect(name, "silent").catch((error: unknown) => {
      // It left by itself, or the next round will notice.
      if (!(error instanceof ClusterError)) throw error;
    });
  }

  /** A client that takes the connection is there, whatever it answers. */
  async #probe(address: MemberAddress): Promise<"alive" | "refused" | "unreachable"> {
    const { probeMs } = this.#limits;
    try {
      const socket = await dialTcp(address, { timeoutMs: probeMs });
      const answered = { push: () => ({ done: undefined }), end: () => undefined };
      socket.write(absentFile);
      await gather<undefined>(socket, answered, probeMs);
      await finish(socket, probeMs);
      return "alive";
    } catch (error) {
      return isRefused(error) ? "refused" : "unreachable";
    }
  }

  #arm(): void {
    const { everyMs } = this.#limits;
    if (everyMs === 0 || this.#stopped) return;
    this.#cancelTimer = this.#timers.after(everyMs, () => {
      this.#round = this.tryAll().finally(() => this.#arm());
    });
  }
}

const absentFile = encodeRequest(
  { operation: "GET_FILE", path: "/presence-probe.absent" },
  { dateTime: null },
);
