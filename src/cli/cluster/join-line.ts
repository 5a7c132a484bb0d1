/** The one line by which another machine joins. */
import { networkInterfaces } from "node:os";

export function joinLine(url: string, token: string, fingerprint: string): string {
  const pin = fingerprint === "" ? "" : ` --fingerprint ${fingerprint}`;
  return `tequio join ${url} --token ${token}${pin}`;
}

/** The same on this machine: "every address" is no address to dial. */
export function localUrl(url: string): string {
  return reachableUrl(url, ["127.0.0.1"]);
}

/** "Every address" is no address to dial: the first one that other machines may reach, instead. */
export function reachableUrl(url: string, addresses: readonly string[] = outerAddresses()): string {
  const parsed = new URL(url);
  if (parsed.hostname !== "0.0.0.0" && parsed.hostname !== "[::]") return url;
  const [first] = addresses;
  parsed.hostname = first ?? "127.0.0.1";
  return parsed.origin;
}

function outerAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, family }) => !internal && family === "IPv4")
    .map(({ address }) => address);
}
