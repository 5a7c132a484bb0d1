/** The small files that all coordinators of one cluster must have alike: keys, certificate, and the
 *  administrator's token. The engine keeps them; each data directory has a copy. */
import { join } from "node:path";
import { ClusterError } from "../../core/error.ts";
import type { Engine } from "../../engine/engine.ts";
import { readPrivate, writePrivate } from "../access/private-file.ts";
import { clusterKeys, ownCertificate } from "../data-dir.ts";

const keysFile = "cluster.json";
const certificateFile = "tls.json";
const tokenFile = "admin.token";

/** Throws `conflict` when the directory belongs to another cluster. */
export async function shareFiles(
  engine: Engine,
  dataDir: string,
  hasCertificate: boolean,
): Promise<void> {
  await shareKeys(engine, dataDir);
  if (hasCertificate) await share(engine, dataDir, certificateFile, () => ownCertificate(dataDir));
  const token = await engine.kept(tokenFile);
  if (token !== null) copy(join(dataDir, tokenFile), token);
}

/** To be called by the leader, whose token is valid. */
export async function shareToken(engine: Engine, dataDir: string): Promise<void> {
  const token = readPrivate(join(dataDir, tokenFile));
  if (token !== null) await engine.keep(tokenFile, token, { replaces: true });
}

async function shareKeys(engine: Engine, dataDir: string): Promise<void> {
  const path = join(dataDir, keysFile);
  const own = readPrivate(path);
  const kept = await engine.kept(keysFile);
  if (own !== null && kept !== null && own !== kept) {
    const text = `${dataDir} belongs to another cluster than ${engine.name}`;
    throw new ClusterError("conflict", `${text}: give another --data, or another --log`);
  }
  await share(engine, dataDir, keysFile, () => clusterKeys(dataDir));
}

/** `make` creates the file when it is missing. */
async function share(
  engine: Engine,
  dataDir: string,
  name: string,
  make: () => unknown,
): Promise<void> {
  const path = join(dataDir, name);
  const kept = await engine.kept(name);
  if (kept === null) make();
  copy(path, kept ?? (await engine.keep(name, readPrivate(path) as string)));
}

function copy(path: string, text: string): void {
  if (readPrivate(path) !== text) writePrivate(path, text);
}
