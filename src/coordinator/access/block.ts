/** The block of addresses that counts as one place: results of two volunteers from one block may be
 *  of one person, and do not confirm each other. */

/** Of `host`, `host:port` or `[v6]:port`: /24 of IPv4, /48 of IPv6; "" when it is no address. */
export function blockOf(remote: string): string {
  const host = remote.replace(/^\[(.*)\](:\d+)?$/, "$1");
  const plain = addressOf(host) ?? addressOf(host.replace(/:\d+$/, ""));
  if (plain === null) return "";
  const v4 = isIPv4(plain) ? plain : /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1];
  if (v4 !== undefined) return v4.split(".").slice(0, 3).join(".");
  return groupsOf(plain).slice(0, 3).join(":");
}

function addressOf(text: string): string | null {
  const [address = ""] = text.split("%");
  return isIPv4(address) || isIPv6(address) ? address.toLowerCase() : null;
}

/** Not by the engine's own functions: the simulation runs in a page, too. */
function isIPv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256);
}

/** Its last 32 bits may be written as IPv4. */
function isIPv6(text: string): boolean {
  const v4 = text.slice(text.lastIndexOf(":") + 1);
  const plain = isIPv4(v4) ? `${text.slice(0, -v4.length)}0:0` : text;
  const halves = plain.split("::");
  const groups = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  if (!text.includes(":") || halves.length > 2) return false;
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return false;
  return halves.length === 2 ? groups.length < 8 : groups.length === 8;
}

/** The eight groups of an IPv6 address, without leading zeros. */
function groupsOf(address: string): string[] {
  const [head = "", tail] = address.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros =
    tail === undefined ? [] : new Array<string>(8 - left.length - right.length).fill("0");
  return [...left, ...zeros, ...right].map((group) => group.replace(/^0+(?=.)/, ""));
}
