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
  const time = at.toISOString().replace(/[:-]|\.\d{3}/g, "");
  const day = time.slice(0, 8);
  const headers: Record<string, string> = {
    ...amz,
    host: url.host,
    "x-amz-content-sha256": sha256,
    "x-amz-date": time,
    ...(sessionToken === "" ? {} : { "x-amz-security-token": sessionToken }),
  };
  const names = Object.keys(headers).sort().join(";");
  const canonical = [
    method,
    url.pathname,
    queryOf(url),
    ...names.split(";").map((name) => `${name}:${headers[name]}`),
    "",
    names,
    sha256,
  ].join("\n");
  const scope = [day, region, service, "aws4_request"];
  const hash = createHash("sha256").update(canonical).digest("hex");
  const text = [algorithm, time, scope.join("/"), hash].join("\n");
  const key = scope.reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`);
  const signature = hmac(key, text).toString("hex");
  const { host: _, ...sent } = headers;
  const credential = `Credential=${accessKeyId}/${scope.join("/")}`;
  const parts = [credential, `SignedHeaders=${names}`, `Signature=${signature}`];
  return { ...sent, authorization: `${algorithm} ${parts.join(", ")}` };
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
