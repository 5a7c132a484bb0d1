/** Which addresses a peer may be dialled at (F3). Addresses come from the catalogue, that is, from
 *  other members, so they must not make this machine connect to services that only it can reach. */
import { BlockList, isIP } from "node:net";

/** From the innermost to the outermost: this machine, its site, the world. */
export type Reach = "machine" | "site" | "world";

const order: readonly Reach[] = ["machine", "site", "world"];

/** Never a peer: unspecified, link-local (cloud metadata is there), multicast, broadcast. */
const never = new BlockList();
never.addSubnet("0.0.0.0", 8);
never.addSubnet("169.254.0.0", 16);
never.addSubnet("224.0.0.0", 3);
never.addAddress("::", "ipv6");
never.addSubnet("fe80::", 10, "ipv6");
never.addSubnet("ff00::", 8, "ipv6");
// Addresses embedded in addresses: 6to4 and NAT64 would reach what the rules above refuse.
never.addSubnet("2002::", 16, "ipv6");
never.addSubnet("64:ff9b::", 32, "ipv6");

const machine = new BlockList();
machine.addSubnet("127.0.0.0", 8);
machine.addAddress("::1", "ipv6");

const site = new BlockList();
site.addSubnet("10.0.0.0", 8);
site.addSubnet("172.16.0.0", 12);
site.addSubnet("192.168.0.0", 16);
site.addSubnet("100.64.0.0", 10);
site.addSubnet("fc00::", 7, "ipv6");

/** Null when a peer can never have this address. */
export function reachOf(ip: string): Reach | null {
  const plain = unmapped(ip);
  const family = isIP(plain) === 6 ? "ipv6" : "ipv4";
  if (isIP(plain) === 0 || never.check(plain, family)) return null;
  if (machine.check(plain, family)) return "machine";
  return site.check(plain, family) ? "site" : "world";
}

/** Refuses addresses that are more private than `from`: a coordinator at this site must not name
 *  this machine's loopback, and one on the internet must not name addresses of the site. */
export function refuserFor(from: Reach): (ip: string) => string | null {
  return (ip) => {
    const reach = reachOf(ip);
    if (reach === null) return `${ip || "it"} cannot be the address of a peer`;
    if (order.indexOf(reach) >= order.indexOf(from)) return null;
    return `${ip} is an address inside this ${reach}, named by a peer outside of it`;
  };
}

/** `::ffff:10.0.0.1` and `::ffff:a00:1` are 10.0.0.1. */
function unmapped(ip: string): string {
  const text = ip.toLowerCase().split("%")[0]!;
  if (isIP(text) !== 6) return text;
  const canonical = new URL(`http://[${text}]`).hostname.slice(1, -1);
  const parts = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical);
  if (parts === null) return canonical;
  const [high, low] = [Number.parseInt(parts[1]!, 16), Number.parseInt(parts[2]!, 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}
