/** How other machines reach a peer: its addresses, and the certificate that its links name. */
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { readPrivate, writePrivate } from "../../coordinator/access/private-file.ts";
import { fingerprint, selfSigned } from "../../link/tls/self-signed.ts";
import { makeDirectory } from "../../store/directory.ts";

export type PeerCertificate = {
  readonly key: string;
  readonly cert: string;
  readonly fingerprint: string;
};

/** Made once and kept, so that links of before still name it. */
export function peerCertificate(stateDir: string, host: string): PeerCertificate {
  makeDirectory(stateDir);
  const path = join(stateDir, "peer-certificate.pem");
  const kept = readPrivate(path);
  if (kept !== null) {
    const at = kept.indexOf("-----BEGIN CERTIFICATE-----");
    const cert = kept.slice(at);
    return { key: kept.slice(0, at), cert, fingerprint: fingerprint(cert) };
  }
  const { key, cert } = selfSigned([host], Date.now());
  writePrivate(path, `${key.trimEnd()}\n${cert}`);
  return { key, cert, fingerprint: fingerprint(cert) };
}

/** "Every address" is no address to dial: those that other machines may reach, instead. */
export function linkAddresses(host: string): string[] {
  if (host !== "0.0.0.0" && host !== "::") return [host];
  const outer = Object.values(networkInterfaces())
    .flatMap((some) => some ?? [])
    .filter(({ internal, family, scopeid }) => !internal && (family === "IPv4" || !scopeid))
    .filter(({ family }) => host === "::" || family === "IPv4")
    .map(({ address }) => address);
  return outer.length === 0 ? ["127.0.0.1"] : outer.slice(0, 8);
}
