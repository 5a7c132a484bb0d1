/** The manifest of a backup: what belongs to it, with hashes and versions, sealed by a hash of its
 *  own. The manifest defines the backup; files that it does not name are ignored. */
import { createHash } from "node:crypto";
import { closeSync, createReadStream, fsyncSync, openSync, readFileSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { ClusterError } from "../../core/error.ts";
import { storageFailure } from "../../store/failure.ts";
import { writePrivate } from "../access/private-file.ts";

const manifestFormat = 1;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const size = z.number().int().min(0);

const shape = z.strictObject({
  format: z.literal(manifestFormat),
  /** Of the software that made it, for people. */
  version: z.string(),
  madeAt: z.string(),
  /** The cluster's id; a restore keeps it. */
  cluster: z.string(),
  /** Version of the log's tables. */
  logFormat: z.number().int().min(1),
  /** Last record of the log. */
  position: size,
  /** The folder of the log and the keys. */
  folder: z.string().regex(/^state-[0-9]+$/),
  files: z.array(z.strictObject({ name: z.string(), sizeBytes: size, sha256 })),
  blobs: z.array(z.strictObject({ hash: sha256, sizeBytes: size })),
});

export type Manifest = z.infer<typeof shape>;

export function writeManifest(path: string, manifest: Manifest): void {
  const text = JSON.stringify(manifest);
  writePrivate(path, `${JSON.stringify({ seal: sealOf(text), manifest })}\n`);
}

/** Throws `storage-failed` when a bit of it has changed, `version-mismatch` for a newer format. */
export function readManifest(path: string): Manifest {
  let found: { seal?: unknown; manifest?: { format?: unknown } };
  try {
    found = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw storageFailure(error, path);
    throw damaged(path);
  }
  if (found?.seal !== sealOf(JSON.stringify(found?.manifest))) throw damaged(path);
  if (Number(found.manifest?.format) > manifestFormat) {
    const text = `${path} was written by a newer version: use that one`;
    throw new ClusterError("version-mismatch", text);
  }
  const checked = shape.safeParse(found.manifest);
  if (!checked.success) throw damaged(path);
  return checked.data;
}

/** Of a whole file, read as a stream. */
export async function fileHash(path: string): Promise<string> {
  const running = createHash("sha256");
  try {
    await pipeline(createReadStream(path), running);
  } catch (error) {
    throw storageFailure(error, path);
  }
  return running.digest("hex");
}

export function syncFile(path: string): void {
  const file = openSync(path, "r+");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function sealOf(text: string | undefined): string {
  return createHash("sha256")
    .update(text ?? "")
    .digest("hex");
}

function damaged(path: string): ClusterError {
  return new ClusterError("storage-failed", `${path} is damaged: use another backup`);
}
