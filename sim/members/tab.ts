/** A browser tab of the simulated world: the production session of a tab, with simulated tasks. A
 *  reloaded page is a new process with the stored identity of the old one. */
import { ClusterError } from "../../src/core/error.ts";
import type { AttemptRef } from "../../src/core/ids.ts";
import { programKinds } from "../../src/wire/manager/messages.ts";
import {
  type Identity,
  type SessionOrder,
  TabSession,
} from "../../src/worker/browser/tab/session.ts";
import { digestOf } from "../world/digest.ts";
import { joinToken } from "../world/names.ts";
import { SimProcess } from "../world/process.ts";
import { SimTextLink } from "../world/text-link.ts";
import type { World } from "../world/world.ts";
import { attemptsOf, TabTasks } from "./tab-tasks.ts";

export type SimTabOptions = {
  readonly name: string;
  readonly slots: number;
  /** Counts the pages of this browser. */
  readonly life: number;
  readonly gateways: readonly string[];
  /** The page before a reload. */
  readonly before: SimTab | null;
};

/** Production ticks twice a second; nothing here is that urgent. */
const tickMs = 5_000;
const speedKbps = 10_000;

export class SimTab {
  readonly process: SimProcess;
  readonly session: TabSession;
  readonly tasks: TabTasks;
  readonly #world: World;
  readonly #options: SimTabOptions;
  readonly #id: string;
  #remembered: Identity | null;
  /** Attempts of its tasks, until their end is acknowledged as durable. */
  readonly #given = new Map<number, readonly AttemptRef[]>();
  #link: SimTextLink | null = null;
  #gateway = "";
  #dials = 0;

  constructor(world: World, options: SimTabOptions) {
    const { before, life, name, slots } = options;
    this.#world = world;
    this.#options = options;
    this.#id = digestOf(`${name} life ${life}`).slice(0, 32);
    this.#remembered = before?.remembered ?? null;
    this.process = new SimProcess(name, world.clock);
    this.session = new TabSession({
      version: "simulated",
      session: this.#id,
      after: before === null ? "" : before.#id,
      token: joinToken,
      identity: this.#remembered,
      name,
      slots,
      kinds: [programKinds.javascript],
      chance: () => world.random.fraction(),
    });
    this.tasks = new TabTasks(world, this.process, {
      slots,
      // The gateway that it is connected to at that time.
      gateway: () => this.#gateway,
      began: (tid) => this.session.began(tid),
      ended: (tid, body) => this.#perform(this.session.ended(tid, body)),
    });
    this.process.soon(() => {
      this.#perform(this.session.start());
      this.#tick();
    });
  }

  /** What the page has stored for a reload. */
  get remembered(): Identity | null {
    return this.#remembered;
  }

  /** "" = it works. */
  pause(reason: string): void {
    this.#perform(this.session.pause(reason, this.#now()));
    this.tasks.pause(reason !== "");
  }

  /** Its user closes it. */
  close(): void {
    this.#perform(this.session.leave());
  }

  /** What is acknowledged must be in the log by then. */
  #acknowledged(text: string): void {
    const tid = /"action":"ack".*"tid":(\d+)/.exec(text)?.[1];
    if (tid === undefined) return;
    const refs = this.#given.get(Number(tid)) ?? [];
    this.#world.judge.tabAcknowledged(this.process.name, refs);
    this.#given.delete(Number(tid));
  }

  #tick(): void {
    this.#perform(this.session.tick(this.#now()));
    this.process.after(tickMs, () => this.#tick());
  }

  #perform(orders: readonly SessionOrder[]): void {
    for (const order of orders) {
      switch (order.kind) {
        case "dial":
          this.#dialIn(order.afterMs);
          break;
        case "send":
          this.#link?.send(order.text);
          break;
        case "close":
          this.#drop();
          break;
        case "run":
          this.#given.set(order.task.tid, attemptsOf(order.task));
          this.tasks.add(order.task);
          break;
        case "stop":
          this.tasks.stop(order.tid);
          break;
        case "remember":
          this.#remembered = order.identity;
          break;
        case "print":
          this.#world.tell(() => `${this.process.name}: ${order.line}`);
          break;
      }
    }
  }

  /** Later messages of this connection are ignored. */
  #drop(): void {
    this.#dials += 1;
    const link = this.#link;
    this.#link = null;
    link?.close(1000, "closed by the page");
  }

  #dialIn(afterMs: number): void {
    const dial = ++this.#dials;
    this.process.after(afterMs, () => {
      if (dial === this.#dials) void this.#dial();
    });
  }

  async #dial(): Promise<void> {
    this.#drop();
    const { network, random } = this.#world;
    const { gateways } = this.#options;
    const dial = this.#dials;
    const isCurrent = () => dial === this.#dials;
    this.#gateway = gateways[random.below(gateways.length)]!;
    this.session.dialling(this.#now());
    try {
      const link = new SimTextLink(await network.dial(this.process, this.#gateway, ""));
      if (!isCurrent()) {
        link.close(1000, "not wanted any more");
        return;
      }
      this.#link = link;
      link.receive({
        said: (text) => {
          if (!isCurrent()) return;
          this.#acknowledged(text);
          this.#perform(this.session.said(text, this.#now()));
        },
        misspoke: () => {},
        closed: (reason) => {
          if (isCurrent()) this.#perform(this.session.closed(reason, this.#now()));
        },
      });
      this.#perform(this.session.connected(speedKbps, this.#now()));
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
      if (isCurrent()) this.#perform(this.session.closed(error.message, this.#now()));
    }
  }

  #now(): number {
    return this.process.clock.nowMs;
  }
}
