/** An object store for tests: objects in memory, ranges, listings of two keys a page, and every
 *  signature checked by a second implementation of AWS Signature Version 4. */
import { createHash, createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Store = {
  readonly url: string;
  readonly objects: Map<string, Uint8Array>;
  /** How often an object was asked for, by `bucket/key`. */
  readonly asked: Map<string, number>;
  /** Called before each answer; true = it has answered. */
  fault: (request: IncomingMessage, response: ServerResponse) => boolean;
  close(): Promise<void>;
};

export const access = {
  AWS_ACCESS_KEY_ID: "AKIATEST",
  AWS_SECRET_ACCESS_KEY: "secret/of+the=test",
  AWS_REGION: "eu-south-2",
} as const;

export async function startStore(): Promise<Store> {
  const objects = new Map<string, Uint8Array>();
  const asked = new Map<string, number>();
  const server = createServer((request, response) => {
    if (store.fault(request, response)) return;
    const url = new URL(request.url ?? "", "http://store");
    const refusal = refusalOf(request, url);
    if (refusal !== "") {
      response.writeHead(403).end(`<Error><Code>${refusal}</Code></Error>`);
    } else if (url.searchParams.get("list-type") === "2") list(objects, url, response);
    else {
      const name = decodeURIComponent(url.pathname.slice(1));
      asked.set(name, (asked.get(name) ?? 0) + 1);
      send(objects.get(name), request, response);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const store: Store = {
    url: `http://127.0.0.1:${port}`,
    objects,
    asked,
    fault: () => false,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return store;
}

export function tagOf(content: Uint8Array): string {
  return `"${createHash("md5").update(content).digest("hex")}"`;
}

function send(
  content: Uint8Array | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (content === undefined) {
    response.writeHead(404).end("<Error><Code>NoSuchKey</Code></Error>");
    return;
  }
  const [, from = "", to = ""] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
  const size = content.length;
  if (from !== "" && Number(from) >= size) {
    response.writeHead(416, { "content-range": `bytes */${size}` }).end();
    return;
  }
  const end = from === "" ? size : Math.min(size, Number(to) + 1);
  const range = from === "" ? {} : { "content-range": `bytes ${from}-${end - 1}/${size}` };
  response.writeHead(from === "" ? 200 : 206, { ...range, etag: tagOf(content) });
  response.end(content.subarray(Number(from), end));
}

function list(objects: ReadonlyMap<string, unknown>, url: URL, response: ServerResponse): void {
  const bucket = url.pathname.slice(1).replace(/\/$/, "");
  const prefix = `${bucket}/${url.searchParams.get("prefix") ?? ""}`;
  const keys = [...objects.keys()].filter((name) => name.startsWith(prefix)).sort();
  const from = Number(url.searchParams.get("continuation-token") ?? 0);
  const shown = keys.slice(from, from + 2).map((name) => {
    const key = name.slice(bucket.length + 1).replaceAll("&", "&amp;");
    return `<Contents><Key>${key}</Key></Contents>`;
  });
  const isMore = from + 2 < keys.length;
  const next = isMore ? `<NextContinuationToken>${from + 2}</NextContinuationToken>` : "";
  response.writeHead(200).end(`<ListBucketResult>${shown.join("")}${next}</ListBucketResult>`);
}

/** "" when the request is signed as it must be. */
function refusalOf({ headers, method }: IncomingMessage, url: URL): string {
  const pattern = /^AWS4-HMAC-SHA256 Credential=(.+?), SignedHeaders=(.+?), Signature=(.+)$/;
  const [, credential = "", names = "", signature] =
    pattern.exec(headers.authorization ?? "") ?? [];
  const [key, day = "", region = "", service = ""] = credential.split("/");
  if (key !== access.AWS_ACCESS_KEY_ID) return "InvalidAccessKeyId";
  const query = [...url.searchParams].map((pair) => pair.map(encoded).join("=")).sort();
  const canonical = [
    method,
    url.pathname,
    query.join("&"),
    ...names.split(";").map((name) => `${name}:${headers[name]}`),
    "",
    names,
    headers["x-amz-content-sha256"],
  ].join("\n");
  const scope = `${day}/${region}/${service}/aws4_request`;
  const hash = createHash("sha256").update(canonical).digest("hex");
  const text = ["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, hash].join("\n");
  const sign = (by: string | Buffer, what: string) =>
    createHmac("sha256", by).update(what).digest();
  const parts = [day, region, service, "aws4_request"];
  const by = parts.reduce<string | Buffer>(sign, `AWS4${access.AWS_SECRET_ACCESS_KEY}`);
  if (region !== access.AWS_REGION || service !== "s3") return "AuthorizationHeaderMalformed";
  return sign(by, text).toString("hex") === signature ? "" : "SignatureDoesNotMatch";
}

function encoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => {
    return `%${char.charCodeAt(0).toString(16).toUpperCase()}`;
  });
}
