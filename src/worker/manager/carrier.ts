/** How a worker reaches its manager: by WebSocket, as coordinators of this implementation are
 *  reached, or over libp2p, as existing managers are. */

import type { Coordinators } from "../../link/http/coordinators.ts";
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

export type CarrierOptions = Omit<ConnectOptions, "url"> & {
  readonly coordinators: Coordinators;
  readonly libp2p?: Libp2pPlace | undefined;
};

/** Of the time of one try, to wait until one of several coordinators leads. */
const waitShare = 0.5;

/** Throws `unavailable` when packages are missing, with what to install. */
export async function openCarrier(options: CarrierOptions): Promise<Carrier> {
  const { coordinators, libp2p, timeoutMs } = options;
  if (libp2p === undefined) {
    const dial = async (credential: string) => {
      let limitMs = timeoutMs;
      if (coordinators.areSeveral) {
        limitMs *= waitShare;
        await coordinators.findWithin(limitMs);
      }
      const { url } = coordinators;
      return dialCoordinator({ ...options, url, timeoutMs: limitMs }, credential);
    };
    return { dial, close: async () => {} };
  }
  const { address, key } = libp2p;
  const limits = { frameMaxBytes: frameBytesMax };
  const common = { listen: "", protocol: managerPath, ids: carrierIds, ...limits };
  const node = await Node.start({ key, ...common });
  return { dial: () => node.dial(address, timeoutMs), close: () => node.stop() };
}
