/** Opens the blobs of a coordinator: a directory, or S3. */
import { join } from "node:path";
import type { Blobs } from "../store/blob/blob.ts";
import { openDiskBlobs } from "../store/blob/disk.ts";
import { Staging } from "../store/blob/staged.ts";
import { makeDirectory } from "../store/directory.ts";
import type { S3Objects } from "./s3/objects.ts";

export function isS3(place: string | undefined): place is string {
  return place?.startsWith("s3://") === true;
}

/** `place`: a directory or `s3://bucket/prefix?endpoint=…`; undefined = in the data directory. */
export async function openBlobs(place: string | undefined, dataDir: string): Promise<Blobs> {
  if (!isS3(place)) return openDiskBlobs(place ?? join(dataDir, "blobs"));
  return openS3(place, dataDir, "");
}

/** Uploads in ranges, on the file system of the blobs where they have one. */
export function openStaging(place: string | undefined, dataDir: string, blobs: Blobs): Staging {
  if (!isS3(place)) return new Staging(join(place ?? join(dataDir, "blobs"), "part"), blobs);
  const directory = join(dataDir, "uploads");
  makeDirectory(directory);
  return new Staging(directory, blobs);
}

/** Snapshots of the log, beside the blobs: each coordinator that has these has those. */
export async function openSnapshots(place: string | undefined, dataDir: string): Promise<Blobs> {
  if (!isS3(place)) return openDiskBlobs(join(place ?? dataDir, "snapshots"));
  return openS3(place, dataDir, "snapshots/");
}

async function openS3(address: string, dataDir: string, below: string): Promise<Blobs> {
  const { s3Place } = await import("./s3/place.ts");
  const { openS3Blobs } = await import("./s3/store.ts");
  const place = s3Place(address);
  const prefix = place.prefix + below;
  return openS3Blobs({ ...place, prefix }, { spoolDir: join(dataDir, "s3-parts") });
}

/** Partitions of jobs that shuffle by way of the object store; null where the blobs are files. */
export async function openShuffle(place: string | undefined): Promise<S3Objects | null> {
  if (!isS3(place)) return null;
  const { s3Place } = await import("./s3/place.ts");
  const { S3Objects } = await import("./s3/objects.ts");
  const found = s3Place(place);
  return new S3Objects({ ...found, prefix: `${found.prefix}shuffle/` });
}
