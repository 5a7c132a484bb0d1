/** The gateway over real connections: WebSockets of tabs and trackers, a clock, and a session. */
import { randomBytes } from "node:crypto";
import { closeCodes } from "../link/close-reason.ts";
import type { TextLink } from "../link/websocket.ts";
import type { Caller } from "./connection.ts";
import { GatewaySession } from "./gateway-session.ts";
import { type GatewayLimits, type GatewayOrder, gatewayLimits } from "./options.ts";

export type GatewayOptions = {
  readonly limits?: Partial<GatewayLimits>;
  /** Accept unauthenticated browsers, which speak only the base browser protocol. */
  readonly anonymous: boolean;
  /** One line for people, safe for a terminal. At most `printsPerS` a second. */
  readonly print: (line: string) => void;
};

/** Lines a second; without a limit, browsers would decide how many there are. */
const printsPerS = 20;
const tickMs = 1_000;

/** What the gateway needs of a connection; `TextLink` is one. */
export type GatewayLink = Pick<TextLink, "remote" | "send" | "close" | "receive"> &
  Partial<Pick<TextLink, "heldBytes" | "cut">>;

export class Gateway {
  readonly #options: GatewayOptions;
  readonly #limits: GatewayLimits;
  readonly #session: GatewaySession;
  readonly #links = new Map<number, GatewayLink>();
  readonly #ticker: NodeJS.Timeout;
  #connections = 0;
  #printed = 0;
  #unprinted = 0;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#limits = { ...gatewayLimits, ...options.limits };
    this.#session = new GatewaySession({
      limits: this.#limits,
      door: { anonymous: options.anonymous },
      // Below 2^52, and there are 2^52 more before a JSON number is no longer exact.
      firstUid: randomBytes(8).readBigUInt64BE() >> 12n,
    });
    this.#ticker = setInterval(() => this.#tick(), tickMs).unref();
  }

  get tabCount(): number {
    return this.#session.tabCount;
  }

  get hasTracker(): boolean {
    return this.#session.hasTracker;
  }

  /** An admitted connection, of a browser or a tracker: its first message shows which. */
  accept(link: GatewayLink, caller: Caller): void {
    if (this.#links.size >= this.#limits.connectionsMax) {
      link.close(
        1013,
        `all ${this.#limits.connectionsMax} connections are in use; try again later`,
      );
      return;
    }
    const id = ++this.#connections;
    this.#links.set(id, link);
    this.#perform(this.#session.opened(id, caller, now()));
    link.receive({
      said: (text) => this.#perform(this.#session.said(id, text, now())),
      misspoke: (what) => this.#perform(this.#session.misspoke(id, what)),
      closed: () => {
        this.#links.delete(id);
        this.#perform(this.#session.closed(id, now()));
      },
    });
  }

  /** The page of a session is closed; of an unknown one nothing happens. */
  left(session: string): void {
    this.#perform(this.#session.left(session));
  }

  /** Closes all connections, with the reason. */
  close(reason = "the gateway is stopping"): void {
    clearInterval(this.#ticker);
    for (const link of this.#links.values()) link.close(closeCodes.goingAway, reason);
  }

  #perform(orders: readonly GatewayOrder[]): void {
    for (const order of orders) {
      if (order.kind === "print") this.#print(order.line);
      else if (order.kind === "send") this.#links.get(order.connection)?.send(order.text);
      else this.#links.get(order.connection)?.close(order.code, order.reason);
    }
  }

  #print(line: string): void {
    if (this.#printed++ < printsPerS) this.#options.print(line);
    else this.#unprinted++;
  }

  #tick(): void {
    if (this.#unprinted > 0) this.#options.print(`(${this.#unprinted} more lines in a second)`);
    this.#printed = 0;
    this.#unprinted = 0;
    this.#perform(this.#session.tick(now()));
    this.#relieve();
  }

  /** Each link has its bound; twenty thousand links at their bounds would still exceed the
   *  memory. */
  #relieve(): void {
    const { heldMaxBytes } = this.#limits;
    const held = [...this.#links.values()].map((link) => ({
      link,
      bytes: link.heldBytes?.() ?? 0,
    }));
    let total = held.reduce((sum, { bytes }) => sum + bytes, 0);
    if (total <= heldMaxBytes) return;
    held.sort((a, b) => b.bytes - a.bytes);
    for (const { bytes, link } of held) {
      if (total <= heldMaxBytes) break;
      total -= bytes;
      link.cut?.(`all connections together hold more than ${heldMaxBytes} bytes`);
      this.#print(`${link.remote}: disconnected, ${bytes} bytes of it were queued`);
    }
  }
}

/** Monotonic, ms. */
function now(): number {
  return performance.now();
}
