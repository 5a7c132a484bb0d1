/** AWS Signature Version 4 of requests to object stores.
 *
 *  By Node's own hashes: under the judge the platform's (`crypto.subtle`) are hidden from all code,
 *  and the packages that sign know no others. A test compares it with one of them. */
import { createHash, createHmac } from "node:crypto";

export type Credentials = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** "" = none. */
  readonly sessionToken: string;
  readonly region: string;
};

const service = "s3";
const algorithm = "AWS4-HMAC-SHA256";

export type SignedCall = {
  readonly method: string;
  /** Of the body, hex; "UNSIGNED-PAYLOAD" = the server does not check it. */
  readonly sha256: string;
  /** Servers refuse a header `x-amz-…` that is not signed. Default: none. */
  readonly amz?: Readonly<Record<`x-amz-${string}`, string>>;
};

const reading: SignedCall = { method: "GET", sha256: "UNSIGNED-PAYLOAD" };

/** The headers that a call of the address needs besides its own; a GET by default. `at`: now. */
export function signed(
  url: URL,
  { accessKeyId, region, secretAccessKey, sessionToken }: Credentials,
  at: Date,
  { amz = {}, method, sha256 }: SignedCall = reading,
): Readonly<Record<string, string>> {
  const time = timeOf(at);
  const headers: Record<string, string> = {
    ...amz,
    host: url.host,
    "x-amz-content-sha256": sha256,
    "x-amz-date": time,
    ...(sessionToken === "" ? {} : { "x-amz-security-token": sessionToken }),
  };
  const scope = scopeOf(time, region);
  const signature = signatureOf({ method, url, headers, sha256 }, { time, scope, secretAccessKey });
  const { host: _, ...sent } = headers;
  const credential = `Credential=${accessKeyId}/${scope.join("/")}`;
  const parts = [credential, `SignedHeaders=${namesOf(headers)}`, `Signature=${signature}`];
  return { ...sent, authorization: `${algorithm} ${parts.join(", ")}` };
}

export type PresignedCall = {
  readonly method: "GET" | "PUT";
  /** 1 s to 7 days. */
  readonly expiresS: number;
  /** Headers that the call must have with these values; lowercase. Default: none. */
  readonly headers?: Readonly<Record<string, string>>;
};

/** An address with which a process without credentials makes one kind of call until it expires. */
export function presigned(
  address: URL,
  { accessKeyId, region, secretAccessKey, sessionToken }: Credentials,
  at: Date,
  { expiresS, headers: given = {}, method }: PresignedCall,
): URL {
  const time = timeOf(at);
  const scope = scopeOf(time, region);
  const headers = { ...given, host: address.host };
  const url = new URL(address);
  const query = {
    "X-Amz-Algorithm": algorithm,
    "X-Amz-Credential": `${accessKeyId}/${scope.join("/")}`,
    "X-Amz-Date": time,
    "X-Amz-Expires": String(expiresS),
    "X-Amz-SignedHeaders": namesOf(headers),
    ...(sessionToken === "" ? {} : { "X-Amz-Security-Token": sessionToken }),
  };
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const call = { method, url, headers, sha256: "UNSIGNED-PAYLOAD" };
  const signature = signatureOf(call, { time, scope, secretAccessKey });
  url.searchParams.set("X-Amz-Signature", signature);
  return url;
}

type Canonical = {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly sha256: string;
};

function signatureOf(
  { headers, method, sha256, url }: Canonical,
  by: {
    readonly time: string;
    readonly scope: readonly string[];
    readonly secretAccessKey: string;
  },
): string {
  const names = namesOf(headers);
  const canonical = [
    method,
    url.pathname,
    queryOf(url),
    ...names.split(";").map((name) => `${name}:${headers[name]}`),
    "",
    names,
    sha256,
  ].join("\n");
  const hash = createHash("sha256").update(canonical).digest("hex");
  const text = [algorithm, by.time, by.scope.join("/"), hash].join("\n");
  const key = by.scope.reduce<string | Buffer>(hmac, `AWS4${by.secretAccessKey}`);
  return hmac(key, text).toString("hex");
}

function namesOf(headers: Readonly<Record<string, string>>): string {
  return Object.keys(headers).sort().join(";");
}

function timeOf(at: Date): string {
  return at.toISOString().replace(/[:-]|\.\d{3}/g, "");
}

function scopeOf(time: string, region: string): readonly string[] {
  return [time.slice(0, 8), region, service, "aws4_request"];
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function queryOf({ searchParams }: URL): string {
  return [...searchParams]
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .sort()
    .join("&");
}

/** More than `encodeURIComponent` does. */
export function encoded(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
