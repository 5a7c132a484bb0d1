/** Addresses of files on web servers and in object stores, and what is asked there. Credentials,
 *  region and endpoint come from the environment of the process that asks, under the names that all
 *  tools of S3 know. */
import { ClusterError } from "../core/error.ts";
import { encoded, signed } from "./signature.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** A bucket and what is behind it: a key, or the beginning of keys. */
export type S3Place = { readonly bucket: string; readonly key: string };

/** Whether an input is an address and no file: `https://`, `http://` or `s3://`. */
export function isRemote(address: string): boolean {
  return /^(https?|s3):\/\//i.test(address);
}

/** Null: it is of a web server. Throws `bad-request` for no bucket. */
export function s3Place(address: string): S3Place | null {
  const [, rest] = /^s3:\/\/(.*)$/is.exec(address) ?? [];
  if (rest === undefined) return null;
  const slash = rest.indexOf("/");
  const bucket = slash === -1 ? rest : rest.slice(0, slash);
  if (/^[a-z0-9][a-z0-9._-]{1,62}$/i.test(bucket)) {
    return { bucket, key: slash === -1 ? "" : rest.slice(slash + 1) };
  }
  const text = `${address} has no bucket; write s3://BUCKET/KEY`;
  throw new ClusterError("bad-request", text);
}

export type Asked = { readonly url: URL; readonly headers: Readonly<Record<string, string>> };

export class Requests {
  readonly #environment: Environment;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** For a file, or with `query` for the bucket of an S3 address. Signed where there are
   *  credentials. */
  request(
    address: string,
    headers: Readonly<Record<string, string>>,
    query?: Readonly<Record<string, string>>,
  ): Asked {
    const place = s3Place(address);
    if (place === null) return { url: webAddress(address), headers };
    const url = this.#url(query === undefined ? place : { ...place, key: "" });
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value);
    const {
      AWS_ACCESS_KEY_ID: accessKeyId = "",
      AWS_SECRET_ACCESS_KEY: secretAccessKey = "",
      AWS_SESSION_TOKEN: sessionToken = "",
    } = this.#environment;
    if (accessKeyId === "" || secretAccessKey === "") return { url, headers };
    const credentials = { accessKeyId, secretAccessKey, sessionToken, region: this.#region };
    return { url, headers: { ...headers, ...signed(url, credentials, new Date()) } };
  }

  /** What a refusal may have to do with. */
  get credentials(): string {
    const key = this.#environment.AWS_ACCESS_KEY_ID ?? "";
    if (key === "") return "no AWS_ACCESS_KEY_ID is set where it is read";
    return `read with the AWS_ACCESS_KEY_ID ${key.slice(0, 4)}… and the region ${this.#region}`;
  }

  get #region(): string {
    const { AWS_REGION, AWS_DEFAULT_REGION } = this.#environment;
    return AWS_REGION || AWS_DEFAULT_REGION || "us-east-1";
  }

  #url({ bucket, key }: S3Place): URL {
    const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL } = this.#environment;
    const path = key.split("/").map(encoded).join("/");
    const endpoint = AWS_ENDPOINT_URL_S3 || AWS_ENDPOINT_URL;
    if (endpoint) return new URL(`${endpoint.replace(/\/+$/, "")}/${bucket}/${path}`);
    const host = `s3.${this.#region}.amazonaws.com`;
    // Names with dots are no part of the certificate.
    if (bucket.includes(".")) return new URL(`https://${host}/${bucket}/${path}`);
    return new URL(`https://${bucket}.${host}/${path}`);
  }
}

function webAddress(address: string): URL {
  try {
    return new URL(address);
  } catch (cause) {
    throw new ClusterError("bad-request", `${address} is no address`, { cause });
  }
}
