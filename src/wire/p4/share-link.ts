/** Links to shared content that need no coordinator:
 *  `tequio:<host>:<port>[,<host>:<port>…]/<root>[/]#<secret>[.<fingerprint>]`.
 *
 *  A `/` after the root says that the content is a list of files: a folder. The secret gives access
 *  to what was shared with it and nothing else; it follows a `#`, which programs do not send to
 *  servers. The fingerprint is that of the owner's certificate; without one the transfer is not
 *  encrypted. */
import { ClusterError } from "../../core/error.ts";
import type { Hash } from "../../core/ids.ts";

export type ShareLink = {
  readonly addresses: ReadonlyArray<{ readonly host: string; readonly port: number }>;
  readonly root: Hash;
  readonly isFolder: boolean;
  readonly secret: string;
  /** SHA-256 of the certificate, hex; "" = no TLS. */
  readonly fingerprint: string;
};

export const linkScheme = "tequio:";
const addressesMax = 16;
const pattern =
  /^tequio:([^/#\s]{1,4096})\/([0-9a-f]{64})(\/?)#([\w-]{22,128})(?:\.([0-9a-f]{64}))?$/;
const addressPattern = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([^:[\]]{1,253})):([0-9]{1,5})$/;

export function linkText(link: ShareLink): string {
  const addresses = link.addresses.map(({ host, port }) => `${bracketed(host)}:${port}`).join(",");
  const pin = link.fingerprint === "" ? "" : `.${link.fingerprint}`;
  return `${linkScheme}${addresses}/${link.root}${link.isFolder ? "/" : ""}#${link.secret}${pin}`;
}

export function parseLink(text: string): ShareLink {
  const parts = pattern.exec(text.trim());
  const addresses = parts?.[1]?.split(",").map(parseAddress) ?? [];
  if (parts === null || addresses.length > addressesMax) {
    throw new ClusterError(
      "bad-request",
      "the link is not whole; it looks like tequio:host:port/<root>#<secret>, " +
        "and a shell needs quotes around it",
    );
  }
  return {
    addresses,
    root: parts[2]!,
    isFolder: parts[3] === "/",
    secret: parts[4]!,
    fingerprint: parts[5] ?? "",
  };
}

/** `host:port` or `[::1]:port`. */
export function parseAddress(text: string): { host: string; port: number } {
  const parts = addressPattern.exec(text);
  const port = Number(parts?.[3]);
  if (parts === null || port < 1 || port > 65_535) {
    throw new ClusterError(
      "bad-request",
      `${text} is not the address of a peer, such as host:8001`,
    );
  }
  return { host: parts[1] ?? parts[2]!, port };
}

export function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
