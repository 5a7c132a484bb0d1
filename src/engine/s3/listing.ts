/** The keys below the prefix of a place in S3. */
import { ClusterError } from "../../core/error.ts";
import type { S3Client } from "./client.ts";

const pagesMax = 10_000_000;

/** Those that begin with `start`, without the prefix of the place, in no order. */
export async function* keysBelow(client: S3Client, start = ""): AsyncGenerator<string> {
  const { name, prefix } = client.place;
  let token = "";
  for (let pages = 0; pages < pagesMax; pages += 1) {
    const next = token === "" ? {} : { "continuation-token": token };
    const query = { "list-type": "2", prefix: prefix + start, ...next };
    const text = (await client.text({ method: "GET", key: "", query })) ?? "";
    if (!text.includes("ListBucketResult")) {
      throw new ClusterError("protocol-violated", `${name} does not list its keys as S3 does`);
    }
    // Keys of blobs have no signs that XML would escape.
    for (const [, key = ""] of text.matchAll(/<Key>([^<]*)<\/Key>/g)) {
      if (key.startsWith(prefix)) yield key.slice(prefix.length);
    }
    token = unescaped(/<NextContinuationToken>([^<]*)</.exec(text)?.[1] ?? "");
    if (token === "" || !/<IsTruncated>true</.test(text)) return;
  }
}

/** Names of the folders below the prefix of the place, by all keys: stores differ in what they list
 *  with a delimiter. */
export async function foldersBelow(client: S3Client): Promise<string[]> {
  const names = new Set<string>();
  for await (const key of keysBelow(client)) {
    const at = key.indexOf("/");
    if (at > 0) names.add(key.slice(0, at));
  }
  return [...names];
}

function unescaped(text: string): string {
  const signs: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'" };
  return text
    .replace(/&(lt|gt|quot|apos);/g, (_, name: string) => signs[name] as string)
    .replaceAll("&amp;", "&");
}
