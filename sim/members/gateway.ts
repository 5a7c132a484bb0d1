/** A gateway of the simulated world: the production session between tabs and the coordinator that
 *  it dials, and the path of the tabs' data. Its state is lost with its process. */

import { GatewaySession } from "../../src/gateway/gateway-session.ts";
import type { GatewayOrder } from "../../src/gateway/options.ts";
import { gatewayLimits } from "../../src/gateway/options.ts";
import type { Link } from "../../src/link/link.ts";
import { coordinatorName, gatewayCredential } from "../world/names.ts";
import type { Server } from "../world/network.ts";
import { SimProcess } from "../world/process.ts";
import type { SimLink } from "../world/sim-link.ts";
import { SimTextLink } from "../world/text-link.ts";
import type { World } from "../world/world.ts";
import type { SimCoordinator } from "./coordinator.ts";

/** Production checks once a second; nothing here is that urgent. */
const tickMs = 5_000;
const dialAgainMs = { first: 500, longest: 15_000 };
const forwardMs = 20_000;

export class SimGateway implements Server {
  readonly process: SimProcess;
  readonly #world: World;
  readonly #session: GatewaySession;
  readonly #links = new Map<number, SimTextLink>();
  #connections = 0;
  #dialWaitMs = dialAgainMs.first;

  constructor(world: World, name: string) {
    this.#world = world;
    this.process = new SimProcess(name, world.clock);
    this.#session = new GatewaySession({
      limits: gatewayLimits,
      door: { anonymous: true },
      firstUid: BigInt(world.random.below(2 ** 31)),
    });
    world.network.listen(name, this);
    this.process.soon(() => this.#dial());
    this.#tick();
  }

  get tabCount(): number {
    return this.#session.tabCount;
  }

  /** A browser connects. */
  accept(link: Link): void {
    this.#take(new SimTextLink(link as SimLink), () => {});
  }

  /** Data of a tab, as the proxy passes it on. */
  forward<T>(work: (server: SimCoordinator) => T | Promise<T>): Promise<T> {
    const { network } = this.#world;
    return network.ask(this.process, coordinatorName, { timeoutMs: forwardMs, work });
  }

  #take(link: SimTextLink, closed: () => void): void {
    const id = ++this.#connections;
    const { nowMs } = this.process.clock;
    this.#links.set(id, link);
    const caller = { remote: link.remote, trackerProblem: null };
    this.#perform(this.#session.opened(id, caller, nowMs));
    link.receive({
      said: (text) => this.#perform(this.#session.said(id, text, this.#now())),
      misspoke: (what) => this.#perform(this.#session.misspoke(id, what)),
      closed: () => {
        this.#links.delete(id);
        this.#perform(this.#session.closed(id, this.#now()));
        closed();
      },
    });
  }

  /** Dials and redials as in production. */
  #dial(): void {
    const again = () => {
      this.process.after(this.#dialWaitMs, () => this.#dial());
      this.#dialWaitMs = Math.min(dialAgainMs.longest, this.#dialWaitMs * 2);
    };
    this.#world.network.dial(this.process, coordinatorName, gatewayCredential).then((link) => {
      this.#dialWaitMs = dialAgainMs.first;
      this.#take(new SimTextLink(link), again);
    }, again);
  }

  #tick(): void {
    this.#perform(this.#session.tick(this.#now()));
    this.process.after(tickMs, () => this.#tick());
  }

  #now(): number {
    return this.process.clock.nowMs;
  }

  #perform(orders: readonly GatewayOrder[]): void {
    for (const order of orders) {
      if (order.kind === "print") {
        this.#world.tell(() => `${this.process.name}: ${order.line}`);
      } else if (order.kind === "send") this.#links.get(order.connection)?.send(order.text);
      else this.#links.get(order.connection)?.close(order.code, order.reason);
    }
  }
}
