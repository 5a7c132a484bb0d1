/** Options of `tequio up` for workers over libp2p, and what is printed about them. */
import { type Command, InvalidArgumentError } from "commander";
import type { Coordinator } from "../../../coordinator/coordinator.ts";
import type { Libp2pOptions } from "../../../coordinator/edges/libp2p/edge.ts";
import { ClusterError } from "../../../core/error.ts";
import { originArgument } from "../../options.ts";
import { styled } from "../../screen.ts";

export type Libp2pFlags = {
  readonly libp2p?: string;
  /** `any`, or ids. */
  readonly libp2pPeers?: "any" | readonly string[];
  /** Origin. */
  readonly ipfsApi?: string;
};

export function withLibp2p(command: Command): Command {
  return command
    .option(
      "--libp2p <address>",
      "also take workers over libp2p at this address, such as /ip4/127.0.0.1/tcp/7075",
    )
    .option(
      "--libp2p-peers <ids>",
      'ids of the peers that may work, such as 12D3Koo…,16Uiu2…; "any" = all that reach it ' +
        "(default: any on this machine; required elsewhere)",
      parsePeers,
    )
    .option(
      "--ipfs-api <url>",
      "put the modules of existing workers on this IPFS node, such as http://127.0.0.1:5001: " +
        "some fetch programs from nowhere else",
      originArgument,
    );
}

function parsePeers(text: string): "any" | string[] {
  if (text === "any") return "any";
  const ids = text.split(",").filter((id) => id !== "");
  if (ids.length > 0 && ids.every((id) => /^[1-9A-HJ-NP-Za-km-z]{20,100}$/.test(id))) return ids;
  throw new InvalidArgumentError('write them as 12D3Koo…,16Uiu2…, or "any"');
}

/** Whether only this machine reaches it. */
export function isOfThisMachine(address: string): boolean {
  return /^\/(ip4\/127\.|ip6\/::1\/|dns[46]?\/localhost\/)/.test(address);
}

/** Undefined when no libp2p is wanted. Throws `bad-request` for what does not go together. */
export function libp2pOptions({ libp2p, libp2pPeers }: Libp2pFlags): Libp2pOptions | undefined {
  if (libp2p === undefined) {
    if (libp2pPeers === undefined) return undefined;
    throw new ClusterError("bad-request", "--libp2p-peers needs --libp2p <address>");
  }
  if (!/^\/[a-z0-9]+\/[^/]+\/tcp\/\d+$/.test(libp2p)) {
    const text = `${libp2p} is no address to listen at; write it as /ip4/127.0.0.1/tcp/7075`;
    throw new ClusterError("bad-request", text);
  }
  if (libp2pPeers === undefined && !isOfThisMachine(libp2p)) {
    const text = `peers have no token, and ${libp2p} can be reached from other machines`;
    throw new ClusterError("bad-request", `${text}; add --libp2p-peers <ids>, or "any"`);
  }
  const peers = libp2pPeers ?? "any";
  return { listen: libp2p, peers: peers === "any" ? "any" : new Set(peers) };
}

/** Lines for `up`'s greeting; none without libp2p. */
export function libp2pLines({ libp2p: at }: Coordinator, { libp2pPeers }: Libp2pFlags): string[] {
  if (at === null) return [];
  const lines = at.addresses.map((address, index) =>
    index === 0 ? `libp2p       tequio join ${address}` : `             tequio join ${address}`,
  );
  if (libp2pPeers !== undefined && libp2pPeers !== "any") return lines;
  const isLocal = at.addresses.every(isOfThisMachine);
  const who = isLocal ? "every user of this machine" : "ANY peer that reaches this port";
  const warning = `peers have no token: ${who} can be a worker`;
  return [...lines, `             ${styled(["bold", "red"], `WARNING: ${warning}`)}`];
}
