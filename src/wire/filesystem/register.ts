/** The requests to a register, and its answers. */
import { ClusterError } from "../../core/error.ts";
import type { Message } from "./codec.ts";
import {
  type Address,
  addressField,
  addressValue,
  hasField,
  textField,
  textsField,
} from "./fields.ts";
import type { PyValue } from "./value.ts";

export type Node = {
  readonly address: Address;
  /** Where it answers PING; the document's FILESYSREG does not give one. */
  readonly ping: Address | null;
};

export type RegisterRequest =
  | { readonly call: "WORKERREG" | "FILESYSREG"; readonly node: Node }
  | { readonly call: "WORKERS" | "FILESYSNODES" }
  /** The id of the job is the SHA-1 of this text. */
  | { readonly call: "JOBREG"; readonly idText: string };

/** Throws `bad-request`. */
export function parseRegisterRequest(message: Message): RegisterRequest {
  switch (message.name) {
    case "WORKERREG": {
      const ping = addressField(message, "ping_addr");
      return { call: "WORKERREG", node: { address: addressField(message, "worker_addr"), ping } };
    }
    case "FILESYSREG": {
      const ping = hasField(message, "ping_addr") ? addressField(message, "ping_addr") : null;
      return { call: "FILESYSREG", node: { address: addressField(message, "addr"), ping } };
    }
    case "WORKERS":
    case "FILESYSNODES":
      return { call: message.name };
    case "JOBREG": {
      const extra = hasField(message, "extra_info") ? textField(message, "extra_info") : "";
      return { call: "JOBREG", idText: textsField(message, "files").join("") + extra };
    }
  }
  const text = `${message.name} is not for a register; see docs/protocols/filesystem.md`;
  throw new ClusterError("bad-request", text);
}

/** `[worker_addr, ping_addr]` of each. */
export function nodePairs(nodes: readonly Node[]): PyValue {
  return nodes.map(({ address, ping }) => [addressValue(address), addressValue(ping ?? address)]);
}

export function nodeAddresses(nodes: readonly Node[]): PyValue {
  return nodes.map(({ address }) => addressValue(address));
}

/** How often our own worker is in the list of trackers: existing clients take the next one when
 *  theirs is silent, and give up at the end of the list. So a restart is survived. */
export const trackersListed = 5;

/** The exact words of deployed registers. */
export const words = {
  registered: "Registration completed",
  known: "You were already registered",
  none: "There's no worker connected.Retry soon.",
  job: "Job correctly registered",
  ping: "est\u00e1s vivo?",
} as const;
