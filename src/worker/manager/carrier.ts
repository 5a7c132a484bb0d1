/** How a worker reaches its manager: by WebSocket, as coordinators of this implementation are
 *  reached, or over libp2p, as existing managers are. */

import { Node } from "../../link/libp2p.ts";
import type { Link } from "../../link/link.ts";
import { carrierIds } from "../../wire/manager/carrier-ids.ts";
import { frameBytesMax } from "../../wire/manager/limits.ts";
import { type ConnectOptions, dialCoordinator, managerPath } from "./connect.ts";

export type Carrier = {
  /** Opens a link, showing this token where the carrier has tokens; "" = the join token. */
  readonly dial: (credential: string) => Promise<Link>;
  /** Ends what it holds, so that the process can end. */
  readonly close: () => Promise<void>;
};

export type Libp2pPlace = {
  /** Of the manager, as `/ip4/192.168.1.20/tcp/7075/p2p/12D3Koo…`. */
  readonly address: string;
  /** Private key of this worker's peer id. */
  readonly key: string;
};

export type CarrierOptions = ConnectOptions & { readonly libp2p?: Libp2pPlace | undefined };

/** Throws `unavailable` when packages are missing, with what to install. */
export async function openCarrier(options: CarrierOptions): Promise<Carrier> {
  const { libp2p, timeoutMs } = options;
  if (libp2p === undefined) {
    return { dial: (credential) => dialCoordinator(options, credential), close: async () => {} };
  }
  const { address, key } = libp2p;
  const limits = { frameMaxBytes: frameBytesMax };
  const common = { listen: "", protocol: managerPath, ids: carrierIds, ...limits };
  const node = await Node.start({ key, ...common });
  return { dial: () => node.dial(address, timeoutMs), close: () => node.stop() };
}
