/** The private key of a node of libp2p, kept in its data directory: the peer id follows from it. */
import { join } from "node:path";
import { ClusterError } from "../../../core/error.ts";
import { newKey } from "../../../link/libp2p.ts";
import { readPrivate, writePrivate } from "../../access/private-file.ts";

export const keyFile = "libp2p.json";

/** Made at the first start, and the same at every other: workers name it. */
export async function ownKey(dataDir: string): Promise<string> {
  const path = join(dataDir, keyFile);
  const text = readPrivate(path);
  if (text === null) {
    const key = await newKey();
    writePrivate(path, `${JSON.stringify({ key })}\n`);
    return key;
  }
  try {
    return (JSON.parse(text) as { key: string }).key;
  } catch (cause) {
    const text = `${path} is damaged; remove it to get a new peer id`;
    throw new ClusterError("storage-failed", text, { cause });
  }
}
