/** Connections to HTTP servers, kept for each address apart. */
import type { AgentOptions } from "node:http";
import { Agent as HttpAgent } from "../node-http.ts";
import { pinnedAgent } from "./pinned-agent.ts";

export type AddressAgents = {
  readonly kept: HttpAgent;
  /** For what cannot be sent twice, or has met a connection that was being closed. */
  readonly single: HttpAgent;
};

export class Agents {
  readonly #fingerprint: string;
  readonly #settings: AgentOptions;
  readonly #known = new Map<string, AddressAgents>();

  /** `fingerprint`: of the certificate that all the addresses have; "" = none pinned. */
  constructor(fingerprint: string, settings: AgentOptions) {
    this.#fingerprint = fingerprint;
    this.#settings = settings;
  }

  /** `url`: scheme, host and port. */
  of(url: string): AddressAgents {
    const known = this.#known.get(url);
    if (known !== undefined) return known;
    const agents = { kept: this.#agent(url, true), single: this.#agent(url, false) };
    this.#known.set(url, agents);
    return agents;
  }

  /** Closes kept connections. New ones are opened when it is used again. */
  close(): void {
    for (const { kept, single } of this.#known.values()) {
      kept.destroy();
      single.destroy();
    }
    this.#known.clear();
  }

  #agent(url: string, keepAlive: boolean): HttpAgent {
    const settings = { ...this.#settings, keepAlive };
    if (url.startsWith("http:")) return new HttpAgent(settings);
    return pinnedAgent(url, this.#fingerprint, settings);
  }
}
