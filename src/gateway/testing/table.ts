/** A gateway's decisions as a conversation: tests send messages, and see what each connection
 *  gets. */
import { encodeBrowser } from "../../wire/browser/codec.ts";
import type { BrowserBody } from "../../wire/browser/messages.ts";
import { GatewaySession } from "../gateway-session.ts";
import { type GatewayLimits, type GatewayOrder, gatewayLimits } from "../options.ts";

/** A gateway session, and what each connection was sent, as readable text. */
export class Table {
  readonly board: GatewaySession;
  readonly sent = new Map<number, string[]>();
  readonly closed = new Map<number, string>();
  readonly printed: string[] = [];
  /** Connections whose close takes a while. */
  readonly late = new Set<number>();
  atMs = 0;
  #connections = 0;

  constructor(limits: Partial<GatewayLimits> = {}, anonymous = true) {
    this.board = new GatewaySession({
      limits: { ...gatewayLimits, ...limits },
      door: { anonymous },
      firstUid: 1000n,
    });
  }

  open(trackerProblem: string | null = null): number {
    const id = ++this.#connections;
    this.sent.set(id, []);
    this.#do(this.board.opened(id, { remote: `host-${id}`, trackerProblem }, this.atMs));
    return id;
  }

  say(id: number, body: BrowserBody): void {
    this.raw(id, encodeBrowser(body));
  }

  raw(id: number, text: string): void {
    this.#do(this.board.said(id, text, this.atMs));
  }

  hangUp(id: number): void {
    this.#do(this.board.closed(id, this.atMs));
  }

  leave(session: string): void {
    this.#do(this.board.left(session));
  }

  /** Lets time pass in ticks of a second. */
  pass(ms: number): void {
    const untilMs = this.atMs + ms;
    while (this.atMs < untilMs) {
      this.atMs = Math.min(this.atMs + 1_000, untilMs);
      this.#do(this.board.tick(this.atMs));
    }
  }

  /** What it was sent since the last call, except pings. */
  take(id: number): string[] {
    const all = this.sent.get(id)!;
    this.sent.set(id, []);
    return all.filter((text) => !text.includes('"action":"ping"'));
  }

  #do(orders: readonly GatewayOrder[]): void {
    for (const order of orders) {
      if (order.kind === "print") this.printed.push(order.line);
      else if (order.kind === "send") this.sent.get(order.connection)!.push(order.text);
      else {
        this.closed.set(order.connection, `${order.code} ${order.reason}`);
        if (!this.late.has(order.connection))
          this.#do(this.board.closed(order.connection, this.atMs));
      }
    }
  }
}
