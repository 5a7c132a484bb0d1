/** Self-signed certificates: of a coordinator, made at its first start and kept; of a member, made
 *  at each start.
 *
 *  No authority signs them; clients pin the SHA-256 fingerprint, which comes with the address. */
import { createHash, generateKeyPairSync, randomBytes, sign, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import {
  bitString,
  der,
  derTrue,
  integer,
  objectId,
  octetString,
  sequence,
  tagged,
  time,
  utf8,
} from "./der.ts";

/** PEM texts. */
export type Certificate = { readonly key: string; readonly cert: string };

const ecdsaWithSha256 = sequence(objectId("1.2.840.10045.4.3.2"));
const yearMs = 365 * 24 * 3_600_000;

function subjectAltNames(hosts: readonly string[]): Buffer {
  const names = hosts.map((host) => {
    if (isIP(host) === 4) return der(0x87, Buffer.from(host.split(".").map(Number)));
    return isIP(host) === 6 ? null : der(0x82, Buffer.from(host, "ascii"));
  });
  return sequence(...names.filter((name) => name !== null));
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  const flag = critical ? [derTrue] : [];
  return sequence(objectId(id), ...flag, octetString(value));
}

/** A P-256 certificate for `hosts` (names and IPv4 addresses), valid for ten years from `atMs`. */
export function selfSigned(hosts: readonly string[], atMs: number): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = sequence(der(0x31, sequence(objectId("2.5.4.3"), utf8(hosts[0] ?? "coordinator"))));
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  const body = sequence(
    tagged(0, integer(Buffer.from([2]))),
    integer(serial),
    ecdsaWithSha256,
    name,
    sequence(time(atMs - 24 * 3_600_000), time(atMs + 10 * yearMs)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    tagged(
      3,
      sequence(
        extension("2.5.29.17", false, subjectAltNames(hosts)),
        extension("2.5.29.19", true, sequence(derTrue)),
      ),
    ),
  );
  const signature = sign("sha256", body, privateKey);
  const bytes = sequence(body, ecdsaWithSha256, bitString(signature));
  // No line may be empty, as one after 64 characters at the very end would be.
  const base64 = bytes.toString("base64").replace(/.{64}(?=.)/g, "$&\n");
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
  };
}

/** Lowercase hex SHA-256 of the certificate's DER bytes: a worker compares it before it sends a
 *  secret. */
export function fingerprint(cert: string): string {
  return createHash("sha256").update(new X509Certificate(cert).raw).digest("hex");
}
