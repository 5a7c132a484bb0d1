/** Brings spooled bytes under a key: in one call, or in parts where S3 takes no more in one. */
import { createHash } from "node:crypto";
import { ClusterError } from "../../core/error.ts";
import type { S3Client } from "./client.ts";
import type { Spooled } from "./spool.ts";

/** S3 takes 5 GiB in one call, and 10,000 parts. */
const wholeMaxBytes = 256 << 20;
const partsMax = 9_000;

export async function upload(
  client: S3Client,
  key: string,
  spooled: Spooled,
  partBytes = wholeMaxBytes,
): Promise<void> {
  const { hash: sha256, open, sizeBytes } = spooled;
  if (sizeBytes > partBytes) return uploadParts(client, key, { spooled, partBytes });
  await client.text({ method: "PUT", key, body: { sizeBytes, sha256, open: () => open() } });
}

async function uploadParts(
  client: S3Client,
  key: string,
  { partBytes, spooled }: { readonly spooled: Spooled; readonly partBytes: number },
): Promise<void> {
  const begun = await client.text({ method: "POST", key, query: { uploads: "" } });
  const uploadId = /<UploadId>([^<]+)<\/UploadId>/.exec(begun ?? "")?.[1];
  if (uploadId === undefined) throw unexpected(client, "no id for an upload in parts");
  try {
    const sizeBytes = Math.max(partBytes, Math.ceil(spooled.sizeBytes / partsMax));
    const marks: string[] = [];
    for (let start = 0; start < spooled.sizeBytes; start += sizeBytes) {
      const range = { start, end: Math.min(start + sizeBytes, spooled.sizeBytes) };
      const query = { partNumber: String(marks.length + 1), uploadId };
      const body = {
        sizeBytes: range.end - range.start,
        sha256: await hashOf(spooled.open(range)),
        open: () => spooled.open(range),
      };
      const answer = await client.open({ method: "PUT", key, query, body });
      const { etag } = answer?.headers ?? {};
      answer?.resume();
      if (etag === undefined) throw unexpected(client, "no ETag for a part");
      marks.push(etag);
    }
    await complete(client, key, { marks, uploadId });
  } catch (error) {
    await client.text({ method: "DELETE", key, query: { uploadId } }).catch(() => {});
    throw error;
  }
}

async function complete(
  client: S3Client,
  key: string,
  { marks, uploadId }: { readonly marks: readonly string[]; readonly uploadId: string },
): Promise<void> {
  const parts = marks.map(
    (etag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${etag}</ETag></Part>`,
  );
  const xml = Buffer.from(`<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`);
  const sha256 = createHash("sha256").update(xml).digest("hex");
  const body = { sizeBytes: xml.byteLength, sha256, open: () => [xml] };
  const headers = { "content-type": "application/xml" };
  // It may say 200 and contain an error.
  const text = await client.text({ method: "POST", key, query: { uploadId }, headers, body });
  if (text === null || text.includes("<Error>")) {
    throw unexpected(client, `an upload in parts was refused (${text?.slice(0, 200)})`);
  }
}

async function hashOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const running = createHash("sha256");
  for await (const chunk of chunks) running.update(chunk);
  return running.digest("hex");
}

function unexpected({ place }: S3Client, what: string): ClusterError {
  return new ClusterError("protocol-violated", `${place.name} gave ${what}; is it an S3 server?`);
}
