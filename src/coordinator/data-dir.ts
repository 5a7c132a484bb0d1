/** The coordinator's directory: its keys, its certificate and its version, each made at the first
 *  start.
 *
 *  `log.sqlite` · `blobs/` · `logs/` · `cluster.json` (keys) · `tls.json` · `admin.token` ·
 *  `libp2p.json`, readable by the owner only. */
import { createHash, createHmac, createSecretKey, randomBytes } from "node:crypto";
import { chmodSync, existsSync } from "node:fs";
import { hostname, networkInterfaces } from "node:os";
import { join } from "node:path";
import { ClusterError } from "../core/error.ts";
import { type Certificate, selfSigned } from "../link/tls/self-signed.ts";
import { sourceKey, ticketText } from "../peer/shuffle/ticket.ts";
import { makeDirectory } from "../store/directory.ts";
import { placeFailure } from "../store/failure.ts";
import { clusterTagBytes } from "../wire/manager/taskid.ts";
import { readPrivate, writePrivate } from "./access/private-file.ts";
import type { ClusterKeys } from "./edges/worker/orders.ts";

/** Version of the directory as a whole; the log and the blobs have versions of their own. */
const dataVersion = 1;

/** Marks a directory in which `tequio restore` is not finished. */
export const restoringDir = "restoring.part";

/** Creates the directory if it is missing, and makes it private to its owner. */
export function openDataDir(dir: string): void {
  makeDirectory(dir);
  if (existsSync(join(dir, restoringDir))) {
    const text = `a restore of ${dir} has not ended: empty the directory and restore it again`;
    throw new ClusterError("conflict", text);
  }
  try {
    chmodSync(dir, 0o700);
  } catch (error) {
    throw placeFailure(error, dir);
  }
}

/** Throws `version-mismatch` when a newer version wrote the directory. */
export function clusterKeys(dir: string): ClusterKeys {
  const path = join(dir, "cluster.json");
  const text = readPrivate(path) ?? firstKeys(path);
  const { tag, secret } = parsed(path, text);
  // Made once: making it for each job takes four times as long as the rest.
  const key = createSecretKey(secret, "hex");
  return {
    tag: Buffer.from(tag, "hex"),
    tickets: { sourceKey, ticketText },
    exchangeSecret: (job) => createHmac("sha256", key).update(`exchange ${job}`).digest("hex"),
  };
}

/** At each start: files of older versions have no checksum yet. */
export function addCheck(dir: string): void {
  const path = join(dir, "cluster.json");
  const text = readPrivate(path);
  if (text === null || text.includes('"check"')) return;
  writePrivate(path, textOf(parsed(path, text)));
}

function firstKeys(path: string): string {
  const text = freshKeys();
  writePrivate(path, text);
  return text;
}

/** The cluster to which a directory belongs, the same after a restore. Throws `not-found` when it
 *  is not a data directory. */
export function clusterName(dir: string): string {
  const path = join(dir, "cluster.json");
  const text = readPrivate(path);
  if (text !== null) return parsed(path, text).cluster;
  throw new ClusterError("not-found", `${dir} is not a data directory, it has no cluster.json`);
}

/** New keys for a directory that continues from an older state: results of attempts that this state
 *  has not assigned yet must not be accepted for later attempts with the same ids. */
export function renewKeys(dir: string): void {
  const path = join(dir, "cluster.json");
  const cluster = clusterName(dir);
  writePrivate(path, freshKeys(cluster));
}

function freshKeys(cluster?: string): string {
  const tag = randomBytes(clusterTagBytes).toString("hex");
  const secret = randomBytes(32).toString("hex");
  return textOf({ tag, secret, cluster: cluster ?? tag });
}

function textOf(keys: Keys): string {
  const { cluster, secret, tag } = keys;
  const known = { version: dataVersion, tag, secret, cluster, check: checkOf(keys) };
  return `${JSON.stringify(known)}\n`;
}

/** Over the whole content of the file, so that a flipped bit is found. */
function checkOf({ cluster, secret, tag }: Keys): string {
  const text = JSON.stringify([dataVersion, tag, secret, cluster]);
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

type Keys = { readonly tag: string; readonly secret: string; readonly cluster: string };

const isTag = /^[0-9a-f]{16}$/;
const fields: ReadonlySet<string> = new Set(["version", "tag", "secret", "cluster", "check"]);

function parsed(path: string, text: string): Keys {
  let found: Partial<Record<"version" | "tag" | "secret" | "cluster" | "check", unknown>>;
  try {
    found = JSON.parse(text);
  } catch (cause) {
    const problem = `${path} is damaged; restore it from a backup`;
    throw new ClusterError("storage-failed", problem, { cause });
  }
  const { version, tag, secret } = found;
  if (typeof version === "number" && version > dataVersion) {
    throw new ClusterError(
      "version-mismatch",
      `${path} was written by a newer version (data version ${version}, this one reads ` +
        `${dataVersion}); start the newer version, or give another --data`,
    );
  }
  const names = Object.keys(found);
  const isKnown = version === dataVersion && names.every((name) => fields.has(name));
  if (isKnown && typeof tag === "string" && typeof secret === "string" && isTag.test(tag)) {
    const keys = { tag, secret, cluster: typeof found.cluster === "string" ? found.cluster : tag };
    // Files of older versions have none; the next start adds it.
    if (found.check === undefined || found.check === checkOf(keys)) return keys;
  }
  throw new ClusterError("storage-failed", `${path} is damaged; restore it from a backup`);
}

/** The same certificate at every start, since workers have pinned it. Creates the directory if it
 *  is missing: a gateway has one of its own below that of the user. */
export function ownCertificate(dir: string): Certificate {
  makeDirectory(dir);
  const path = join(dir, "tls.json");
  const text = readPrivate(path);
  if (text !== null) return JSON.parse(text) as Certificate;
  const addresses = Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .map(({ address }) => address);
  const made = selfSigned([hostname(), "localhost", ...addresses], Date.now());
  writePrivate(path, JSON.stringify(made));
  return made;
}
