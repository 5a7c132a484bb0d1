/** Options of `tequio up` for a certificate of the operator's own. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import type { GivenCertificate } from "../../../coordinator/options.ts";
import { ClusterError } from "../../../core/error.ts";

export type CertificateFlags = {
  readonly cert?: string;
  readonly key?: string;
  readonly insecure?: boolean;
};

export function withCertificate(command: Command): Command {
  return command
    .option(
      "--cert <file>",
      "your own certificate with its chain, PEM; its first name is the host of all links " +
        "(default: one of the cluster's own, of which browsers warn)",
    )
    .option("--key <file>", "private key of --cert, PEM");
}

/** Throws `bad-request` when they cannot be used. */
export function certificateOptions({ cert, insecure, key }: CertificateFlags): {
  readonly certificate?: GivenCertificate;
} {
  if (cert === undefined && key === undefined) return {};
  if (cert === undefined || key === undefined) {
    throw new ClusterError("bad-request", "--cert and --key are given together");
  }
  if (insecure === true) {
    throw new ClusterError("bad-request", "--cert and --insecure cannot be combined");
  }
  const texts = { cert: textOf("--cert", cert), key: textOf("--key", key) };
  const x509 = parsed(cert, () => new X509Certificate(texts.cert));
  const privateKey = parsed(key, () => createPrivateKey(texts.key));
  if (!x509.checkPrivateKey(privateKey)) {
    throw new ClusterError("bad-request", `the key in ${key} is not that of ${cert}`);
  }
  if (Date.parse(x509.validTo) <= Date.now()) {
    const text = `the certificate in ${cert} expired on ${x509.validTo}; renew it`;
    throw new ClusterError("bad-request", text);
  }
  return { certificate: { ...texts, host: hostOf(x509), isSelfSigned: isSelfSigned(x509) } };
}

function textOf(option: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new ClusterError("bad-request", `cannot read ${option} ${file} (${code})`, { cause });
  }
}

function parsed<T>(file: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new ClusterError("bad-request", `${file} is not PEM, or is damaged`, { cause });
  }
}

function isSelfSigned(x509: X509Certificate): boolean {
  return x509.checkIssued(x509);
}

/** The first name that is whole; null = it has only addresses, or names with a star. */
function hostOf({ subjectAltName = "" }: X509Certificate): string | null {
  const names = [...subjectAltName.matchAll(/DNS:([^,\s"]+)/g)].map(([, name]) => name as string);
  return names.find((name) => !name.includes("*")) ?? null;
}
