/** Probes peers that promised no heartbeats, before their TTL ends: existing ones send nothing
 *  while they serve. An open port is a sign of life; a closed one means nothing, since their
 *  command lines register without serving. */
import type { MemberAddress } from "../../core/catalogue.ts";
import { dialTcp } from "../../link/tcp/dial.ts";
import type { Timers } from "../loop/timers.ts";
import type { Members } from "./members.ts";

export type KnockingOptions = {
  readonly members: Members;
  readonly timers: Timers;
  /** Interval from the end of one round to the next, ms. */
  readonly everyMs?: number;
  /** Time limit of one probe, ms. */
  readonly tryMs?: number;
  /** Probes at once. */
  readonly triesMax?: number;
};

const tryDefaultMs = 2_000;

/** Whether a server listens at a peer's address. */
export async function answersAt(address: MemberAddress, tryMs = tryDefaultMs): Promise<boolean> {
  try {
    (await dialTcp(address, { timeoutMs: tryMs })).destroy();
    return true;
  } catch {
    return false;
  }
}

export class PeerProbe {
  readonly #options: Required<KnockingOptions>;
  #cancelTimer = () => {};
  #round: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: KnockingOptions) {
    this.#options = { everyMs: 5_000, tryMs: tryDefaultMs, triesMax: 16, ...options };
    this.#arm();
  }

  /** One round; for tests, and the timer. */
  async probe(): Promise<void> {
    const { members, triesMax, tryMs } = this.#options;
    const waiting = members.quietPeers();
    const next = async () => {
      for (let peer = waiting.pop(); peer !== undefined; peer = waiting.pop()) {
        const { address, name } = peer;
        if (this.#stopped || address === null || !(await answersAt(address, tryMs))) continue;
        // Meanwhile it may be another peer of that name.
        if (members.find(name) === peer) members.touch(name);
      }
    };
    await Promise.all(Array.from({ length: triesMax }, next));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer();
    await this.#round;
  }

  #arm(): void {
    if (this.#stopped) return;
    this.#cancelTimer = this.#options.timers.after(this.#options.everyMs, () => {
      this.#round = this.probe().finally(() => this.#arm());
    });
  }
}
