/** Managers that are reached over libp2p: `tequio join /ip4/192.168.1.20/tcp/7075/p2p/12D3Koo…`. */
import { ClusterError } from "../../../core/error.ts";

export function isLibp2pAddress(address: string): boolean {
  return address.startsWith("/");
}

/** Where the manager is, as an HTTP address: its programs may be no further inside. Throws
 *  `bad-request` for an address that does not say which peer is meant. */
export function placeOfManager(address: string): string {
  const match = /^\/(ip4|ip6|dns|dns4|dns6)\/([^/]+)\/tcp\/\d+\/p2p\/[A-Za-z0-9]+$/.exec(address);
  if (match === null) {
    const text = `${address} is no address of a manager; write it as`;
    throw new ClusterError("bad-request", `${text} /ip4/192.168.1.20/tcp/7075/p2p/12D3Koo…`);
  }
  const [, kind, host] = match;
  return `http://${kind === "ip6" ? `[${host}]` : host}`;
}
