/** What a link stands for: one file, or a folder by its list. No coordinator is asked. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClusterError } from "../../../core/error.ts";
import type { Hash } from "../../../core/ids.ts";
import type { Fetcher } from "../../../peer/fetch/fetcher.ts";
import type { Found, Source } from "../../../peer/found.ts";
import { folderListMaxBytes, parseFolderList } from "../../../peer/share/folder-list.ts";
import { rootBytesOf } from "../../../wire/p4/merkle.ts";
import { parseLink, type ShareLink } from "../../../wire/p4/share-link.ts";
import type { FetchTarget, FindMany } from "./fetch-context.ts";

export async function linkedFiles(text: string, fetcher: Fetcher): Promise<FetchTarget> {
  const link = parseLink(text);
  const { sizeBytes, name } = await look(link, fetcher);
  const found: Found = { name, root: link.root, sizeBytes, sources: sourcesOf(link) };
  if (!link.isFolder)
    return {
      kind: "file",
      found,
      again: async () => found,
      byName: async () => found,
      isRoot: true,
    };
  if (sizeBytes > folderListMaxBytes) {
    const text = `the list of the folder has ${sizeBytes} bytes, at most ${folderListMaxBytes}`;
    throw new ClusterError("limit-exceeded", text);
  }
  const dir = mkdtempSync(join(tmpdir(), "tequio-list-"));
  try {
    const target = join(dir, "list");
    await fetcher.fetch(found, { target, replaces: false });
    const files = parseFolderList(readFileSync(target)).map((file) => ({
      ...file,
      find: async () => ({ ...file, sources: sourcesOf(link, file.name) }),
    }));
    const findMany: FindMany = (some) => Promise.all(some.map(({ find }) => find()));
    return { kind: "folder", prefix: "", files, findMany };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Name and size come from the first address that answers; both are accepted only as far as they
 *  agree with the root. */
async function look(
  link: ShareLink,
  fetcher: Fetcher,
): Promise<{ sizeBytes: number; name: string }> {
  const failures: string[] = [];
  for (const source of sourcesOf(link)) {
    try {
      const connection = await fetcher.connections.get(source.address);
      const wanted = { fileName: "", root: rootBytesOf(link.root) as Uint8Array };
      const { fileName, sizeBytes } = await connection.open(wanted, link.secret);
      return { name: fileName, sizeBytes };
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
      if (error.code !== "unavailable") throw explained(error, link.root);
      failures.push(error.text);
    }
  }
  throw new ClusterError(
    "unavailable",
    `no peer answers at the link: ${failures.join("; ")}. Does \`tequio share\` still run there?`,
  );
}

function explained(error: ClusterError, root: Hash): ClusterError {
  if (error.code !== "not-found") return error;
  const text = `its owner does not share ${root.slice(0, 12)}… any more, or it has changed`;
  return new ClusterError("not-found", `${text}; ask for a new link`, { cause: error });
}

function sourcesOf(link: ShareLink, fileName = ""): Source[] {
  return link.addresses.map((address) => ({
    name: `${address.host}:${address.port}`,
    address: { ...address, fingerprint: link.fingerprint },
    fileName,
    credential: async () => link.secret,
  }));
}
