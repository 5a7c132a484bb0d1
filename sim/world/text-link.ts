/** A text link of the simulated world, the counterpart of `TextLink`: between tabs, gateways and
 *  the tracker. */
import type { SimLink } from "./sim-link.ts";

export type TextEars = {
  readonly said: (text: string) => void;
  readonly misspoke: (what: string) => void;
  readonly closed: (reason: string) => void;
};

export class SimTextLink {
  readonly remote: string;
  readonly #link: SimLink;

  constructor(link: SimLink) {
    this.#link = link;
    this.remote = link.remote;
  }

  get isOpen(): boolean {
    return this.#link.isOpen;
  }

  receive(ears: TextEars): void {
    this.#link.onClose((reason) => ears.closed(reason));
    this.#link.onText((text) => ears.said(text));
  }

  send(text: string): void {
    this.#link.sendText(text);
  }

  close(_code: number, reason: string): void {
    this.#link.close(reason);
  }
}
