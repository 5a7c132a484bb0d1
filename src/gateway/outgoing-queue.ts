/** What the session wants done, gathered in order until its carrier performs it. */
import { closeCodes } from "../link/close-reason.ts";
import { encodeBrowser } from "../wire/browser/codec.ts";
import type { BrowserBody, BrowserMessage } from "../wire/browser/messages.ts";
import { printable } from "../wire/browser/printable.ts";
import type { Connection } from "./connection.ts";
import type { GatewayOrder } from "./options.ts";

export class OutgoingQueue {
  readonly #protocolErrorsMax: number;
  #orders: GatewayOrder[] = [];

  /** `protocolErrorsMax`: bad messages that a connection may send. */
  constructor(protocolErrorsMax: number) {
    this.#protocolErrorsMax = protocolErrorsMax;
  }

  /** With `failure`, the message is a refusal that gives this reason. */
  send(connection: number, body: BrowserBody, failure?: string): void {
    const told = failure === undefined ? undefined : { message: failure };
    this.sendText(connection, encodeBrowser(body, told));
  }

  /** Queues a message that is already text. */
  sendText(connection: number, text: string): void {
    this.#orders.push({ kind: "send", connection, text });
  }

  close(connection: number, code: number, reason: string): void {
    this.#orders.push({ kind: "close", connection, code, reason });
  }

  /** Sends the reason of the refusal, and closes. */
  refuse(connection: number, body: BrowserBody, message: string): void {
    this.send(connection, body, message);
    this.close(connection, closeCodes.againstRules, message);
  }

  /** Answers a bad message; one too many closes the connection. `tid`: the task whose end it
   *  reported, so that the browser does not report it again. */
  protocolError(
    id: number,
    connection: Connection,
    problem: string,
    tid: number | null = null,
  ): void {
    connection.protocolErrors++;
    this.print(`${connection.caller.remote}: ${problem}`);
    if (connection.protocolErrors > this.#protocolErrorsMax) {
      this.close(id, closeCodes.againstRules, "too many bad messages");
      return;
    }
    const more = tid === null ? null : { tid };
    this.send(id, { action: "error", uid: null, error: problem, more }, problem);
  }

  /** For people; made printable here. */
  print(line: string): void {
    this.#orders.push({ kind: "print", line: printable(line) });
  }

  /** Prints the `message` field, if it has one. */
  printMessage(remote: string, { message }: BrowserMessage): void {
    if (message !== "") this.print(`${remote}: ${message}`);
  }

  take(): GatewayOrder[] {
    const orders = this.#orders;
    this.#orders = [];
    return orders;
  }
}
