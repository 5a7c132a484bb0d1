/** Where blobs lie in S3: a bucket, a prefix in it, and the server that has it. */
import { ClusterError } from "../../core/error.ts";

export type S3Place = {
  /** Of the bucket, ending with `/`: keys are appended. */
  readonly base: string;
  readonly bucket: string;
  /** Of all keys: "" or ending with `/`. */
  readonly prefix: string;
  readonly region: string;
  /** For messages. */
  readonly name: string;
};

export type S3Credentials = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
};

type Environment = Readonly<Record<string, string | undefined>>;

const example = "s3://bucket/prefix?endpoint=https://s3.example:9000";
const known = ["endpoint", "region", "style"];

/** Throws `bad-request` for what is no such address, or has a secret in it. */
export function s3Place(text: string, env: Environment = process.env): S3Place {
  const [, bucket = "", path = "", query = ""] =
    /^s3:\/\/([^/?]+)(?:\/([^?]*))?(?:\?(.*))?$/.exec(text) ?? [];
  if (bucket.includes("@")) {
    const way = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
    throw refused(`other users can see a secret on a command line: leave it out, and ${way}`);
  }
  if (!/^[a-z0-9][a-z0-9.-]{2,62}$/.test(bucket)) {
    throw refused(`${text.slice(0, 200)} is no place for blobs in S3; one is ${example}`);
  }
  const given = new URLSearchParams(query);
  const unknown = [...given.keys()].find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw refused(`${unknown.slice(0, 40)} is no setting of S3: those are ${known.join(", ")}`);
  }
  if (!/^[A-Za-z0-9_./-]*$/.test(path) || path.split("/").includes("..")) {
    throw refused(`${path.slice(0, 100)} is no prefix: letters, digits, _, ., - and /`);
  }
  const prefix = path === "" || path.endsWith("/") ? path : `${path}/`;
  const region = given.get("region") ?? env.AWS_REGION ?? env.AWS_DEFAULT_REGION ?? "us-east-1";
  const server = endpointOf(given.get("endpoint") ?? env.AWS_ENDPOINT_URL_S3, region);
  const isVirtual = (given.get("style") ?? (server.isAmazon ? "host" : "path")) === "host";
  const { url } = server;
  const base = isVirtual
    ? `${url.protocol}//${bucket}.${url.host}/`
    : `${url.protocol}//${url.host}/${bucket}/`;
  return { base, bucket, prefix, region, name: `s3://${bucket}/${prefix} at ${url.host}` };
}

function endpointOf(text: string | undefined, region: string) {
  if (text === undefined || text === "") {
    return { url: new URL(`https://s3.${region}.amazonaws.com`), isAmazon: true };
  }
  const url = URL.parse(text);
  const isServer = url !== null && /^https?:$/.test(url.protocol) && url.pathname === "/";
  if (!isServer || url.username !== "") {
    throw refused(`endpoint=${text.slice(0, 100)} is no server such as https://s3.example:9000`);
  }
  return { url, isAmazon: false };
}

/** Throws `unauthenticated` when there are none. */
export function s3Credentials(env: Environment = process.env): S3Credentials {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = env;
  if (id && secret) {
    const keys = { accessKeyId: id, secretAccessKey: secret };
    return token ? { ...keys, sessionToken: token } : keys;
  }
  const text = "no credentials for S3: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
  throw new ClusterError("unauthenticated", text);
}

function refused(text: string): ClusterError {
  return new ClusterError("bad-request", text);
}
