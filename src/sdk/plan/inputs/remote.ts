/** Files of web servers and object stores as inputs: found, looked at and read with the credentials
 *  of this process. */
import { matchesGlob } from "node:path";
import { ClusterError } from "../../../core/error.ts";
import { s3Place } from "../../../remote/address.ts";
import { RemoteFiles } from "../../../remote/files.ts";
import type { InputFile } from "../../../wire/block/plan.ts";
import { contentOf, contentStartBytes } from "../../../wire/content/content.ts";
import { shapeStartBytes } from "../../../wire/content/shape.ts";
import { compressionOf, type FoundFile } from "../found.ts";

/** Files that are looked at at the same time. */
const looksAtOnce = 8;
/** The most that is read of a file at once, in bytes. */
const wholeMaxBytes = 2 * 1024 ** 3 - 1;
const remote = new RemoteFiles();
const globCharacters = /[*?[\]{}]/;

/** The file at an address; in object stores also all files of a folder (`s3://bucket/logs/`) and
 *  those that a glob matches, by name. */
export async function remoteFiles(
  address: string,
  filesMax: number,
): Promise<Omit<FoundFile, "input">[]> {
  const urls = await urlsAt(address, filesMax);
  const files: Omit<FoundFile, "input">[] = [];
  for (let at = 0; at < urls.length; at += looksAtOnce) {
    const some = await Promise.all(urls.slice(at, at + looksAtOnce).map(fileAt));
    for (const file of some) files.push(file);
  }
  return files;
}

async function urlsAt(address: string, filesMax: number): Promise<readonly string[]> {
  const place = s3Place(address);
  if (place === null) return [address];
  const { bucket, key } = place;
  const isGlob = globCharacters.test(key);
  if (key !== "" && !key.endsWith("/") && !isGlob) return [address];
  const [before = ""] = isGlob ? key.split(globCharacters, 1) : [key];
  const all = await remote.list(`s3://${bucket}/${before}`, filesMax);
  const keyOf = (url: string) => (s3Place(url) as { key: string }).key;
  const found = all.filter((url) => {
    if (isGlob) return matchesGlob(keyOf(url), key);
    return !/(^|\/)(\.|_bad\/)/.test(keyOf(url).slice(key.length));
  });
  if (found.length > 0) return found;
  throw new ClusterError("bad-request", `no file matches ${address}`);
}

async function fileAt(url: string): Promise<Omit<FoundFile, "input">> {
  const { sizeBytes, start, tag } = await remote.look(url, shapeStartBytes).catch((error) => {
    if (!(error instanceof ClusterError) || error.code !== "not-found") throw error;
    throw new ClusterError("bad-request", `no such file: ${url}`, { cause: error });
  });
  const content = contentOf(start.subarray(0, contentStartBytes));
  // What follows a question mark is no part of the name.
  const name = /^s3:/i.test(url) ? url : url.replace(/[?#].*$/s, "");
  const at = { kind: "remote", url, tag, start } as const;
  return { name, compression: compressionOf(name), content, sizeBytes, at };
}

/** Bytes [start, end). Throws `data-lost` when the file is not what it was. */
export async function readRemote(
  { at, name, sizeBytes }: InputFile,
  start: number,
  end: number,
): Promise<Uint8Array> {
  if (at.kind !== "remote") throw new ClusterError("not-found", `${name} has no address`);
  if (end - start > wholeMaxBytes) {
    const text = `${name} has ${sizeBytes} bytes, and one process reads ${wholeMaxBytes}`;
    throw new ClusterError("limit-exceeded", `${text}; run the job on a cluster`);
  }
  const bytes = Buffer.allocUnsafe(Math.max(0, end - start));
  let filled = 0;
  for await (const chunk of remote.read({ ...at, sizeBytes }, start, end)) {
    bytes.set(chunk, filled);
    filled += chunk.length;
  }
  return bytes;
}
