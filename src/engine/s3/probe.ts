/** Asks an S3 server at the start to keep a few bytes and give them back: one that does not is
 *  refused before a job depends on it. */
import { hash, randomBytes } from "node:crypto";
import { ClusterError } from "../../core/error.ts";
import type { S3Client } from "./client.ts";
import { keysBelow } from "./listing.ts";

const sizeBytes = 4_096;

/** Throws `bad-request` for a server that loses or changes what it acknowledged. */
export async function probe(client: S3Client): Promise<void> {
  const bytes = randomBytes(sizeBytes);
  const key = `probe-${randomBytes(8).toString("hex")}`;
  const sha256 = hash("sha256", bytes, "hex");
  const sum = { "x-amz-checksum-sha256": Buffer.from(sha256, "hex").toString("base64") };
  const body = { sizeBytes, sha256, open: () => [bytes] };
  const answer = await client.open({ method: "PUT", key, amz: sum, body });
  const reported = answer?.headers["x-amz-checksum-sha256"];
  answer?.resume();
  if (reported !== undefined && reported !== sum["x-amz-checksum-sha256"]) {
    throw unfit(client, "reported a wrong checksum for what it stored");
  }
  const stored = await client.bytes({ method: "GET", key });
  if (stored === null) throw unfit(client, "lost an object that it had acknowledged");
  if (!stored.equals(bytes)) throw unfit(client, "gave other bytes than were stored");
  const headers = { range: "bytes=10-19" };
  const part = await client.bytes({ method: "GET", key, headers });
  if (part === null || !part.equals(bytes.subarray(10, 20))) {
    throw unfit(client, "does not give ranges of an object");
  }
  if (!(await lists(client, key))) throw unfit(client, "does not list an object that it has");
  await client.text({ method: "DELETE", key });
  if ((await client.bytes({ method: "GET", key })) !== null) {
    throw unfit(client, "still gives an object that was deleted");
  }
}

async function lists(client: S3Client, wanted: string): Promise<boolean> {
  for await (const key of keysBelow(client, wanted)) if (key === wanted) return true;
  return false;
}

function unfit({ place }: S3Client, what: string): ClusterError {
  const text = `${place.name} ${what}: a server that does so would lose results`;
  return new ClusterError("bad-request", `${text}; use another one, or repair it`);
}
