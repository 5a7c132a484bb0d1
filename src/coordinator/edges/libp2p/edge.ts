/** Workers over libp2p: the carrier of existing workers. They have no token; a peer is who its
 *  handshake proves it to be, and the operator says which peers may work. */
import { Node } from "../../../link/libp2p.ts";
import { carrierIds } from "../../../wire/manager/carrier-ids.ts";
import { frameBytesMax } from "../../../wire/manager/limits.ts";
import type { Principal } from "../../access/auth.ts";
import type { Services } from "../../services.ts";
import { workerPath } from "../http/upgrade.ts";
import { ownKey } from "./key.ts";

export type Libp2pOptions = {
  /** As `/ip4/127.0.0.1/tcp/7075`. */
  readonly listen: string;
  /** Ids of the peers that may work; `any` = all that reach it. */
  readonly peers: "any" | ReadonlySet<string>;
};

export type Libp2pServing = {
  readonly peer: string;
  /** For workers, as `/ip4/127.0.0.1/tcp/7075/p2p/12D3Koo…`. */
  readonly addresses: readonly string[];
  close(): Promise<void>;
};

/** `base`: where the peers reach the coordinator over HTTP, for the modules of their tasks. Throws
 *  `unavailable` with what to install. */
export async function serveLibp2p(
  { listen, peers }: Libp2pOptions,
  { edge, dataDir, base }: Pick<Services, "edge"> & { dataDir: string; base: string },
): Promise<Libp2pServing> {
  const node = await Node.start({
    key: await ownKey(dataDir),
    listen,
    protocol: workerPath,
    ids: carrierIds,
    frameMaxBytes: frameBytesMax,
    onLink(link, peer) {
      if (peers !== "any" && !peers.has(peer)) return false;
      edge.accept(link, principalOf(peer), base);
      return true;
    },
  });
  return { peer: node.peerId, addresses: node.addresses, close: () => node.stop() };
}

function principalOf(peer: string): Principal {
  return {
    token: "",
    kind: "join",
    role: "worker",
    owner: "admin",
    worker: null,
    returningOnly: false,
    peer,
  };
}
