/** Which peers have a file, according to a master, and tickets for them. */
import type { SharedFile } from "../../core/catalogue.ts";
import { ClusterError } from "../../core/error.ts";
import type {
  FileFound,
  FileSource,
  FileWanted,
  Listed,
  ManyFound,
} from "../../wire/p4/control.ts";
import { parseFileAddress } from "../../wire/p4/control.ts";
import { flattenTree } from "../../wire/p4/control-tree.ts";
import { parseAddress } from "../../wire/p4/share-link.ts";
import type { Found, Source } from "../found.ts";
import { type MasterCalls, MasterRefusal } from "./call.ts";

export class Catalogue {
  readonly #calls: MasterCalls;
  /** A peer's token; null = the calls carry a cluster token. */
  readonly #token: string | null;

  constructor(calls: MasterCalls, token: string | null = null) {
    this.#calls = calls;
    this.#token = token;
  }

  /** All files that are offered now, in the order of their names. */
  async files(): Promise<SharedFile[]> {
    const answer = await this.#ask<Listed>("/get_files", { tree: true });
    if (answer.tree !== undefined) return flattenTree(answer.tree);
    // Existing masters know names only.
    const none = { description: "", root: null, sizeBytes: null };
    return answer.files.map((name) => ({ name, ...none }));
  }

  async find(wanted: FileWanted): Promise<Found> {
    const found = await this.#find(wanted);
    return found.sources === undefined ? oldFound(found) : this.#foundOf(wanted, found);
  }

  /** In their order; null for those that are not offered now. Null altogether at a master that
   *  finds files one by one. */
  async findMany(names: readonly string[]): Promise<Array<Found | null> | null> {
    try {
      const { files } = await this.#ask<ManyFound>("/get_many", { file_names: names });
      return files.map((found, index) => {
        return found === null ? null : this.#foundOf({ file_name: names[index] as string }, found);
      });
    } catch (error) {
      if (error instanceof MasterRefusal && error.isUnknownCall) return null;
      throw error;
    }
  }

  #foundOf(wanted: FileWanted, found: FileFound): Found {
    return {
      name: found.file_name,
      root: found.root,
      sizeBytes: found.size_bytes,
      sources: found.sources.map((source) => ({
        name: source.peer,
        address: { ...parsed(source.address), fingerprint: pinOf(source) },
        fileName: source.file_name,
        credential: this.#tickets(wanted, found, source),
      })),
    };
  }

  /** The ticket at hand first; each can be used once, so further uses request a fresh one. */
  #tickets(
    wanted: FileWanted,
    { root }: FileFound,
    first: { readonly peer: string; readonly ticket: string },
  ) {
    let ticket: string | null = first.ticket;
    return async (): Promise<string> => {
      const held = ticket;
      ticket = null;
      if (held !== null) return held;
      const { file_name: name, root: rootNow, sources } = await this.#find(wanted);
      if (rootNow !== root) {
        throw new ClusterError("not-found", `${name} has changed at its owner meanwhile`);
      }
      const fresh = sources.find(({ peer }) => peer === first.peer);
      if (fresh !== undefined) return fresh.ticket;
      throw new ClusterError("not-found", `${first.peer} is gone from the catalogue`);
    };
  }

  #find(wanted: FileWanted): Promise<FileFound> {
    return this.#ask<FileFound>("/get_file", wanted);
  }

  #ask<Answer>(path: string, body: object): Promise<Answer> {
    const token = this.#token === null ? {} : { token: this.#token };
    return this.#calls.call<Answer>(path, { ...token, ...body });
  }
}

function oldFound({ file_address: text }: FileFound): Found {
  const address = parseFileAddress(text);
  if (address === null) {
    throw new ClusterError("protocol-violated", `the master names no address: ${text}`);
  }
  const { name } = address;
  const source: Source = {
    name: `${address.address.host}:${address.address.port}`,
    address: { ...address.address, fingerprint: "" },
    fileName: name,
    credential: async () => "",
  };
  return { name, root: null, sizeBytes: null, sources: [source] };
}

/** "" = no certificate is named. A malformed fingerprint must not be taken for none. */
function pinOf({ fingerprint, peer }: FileSource): string {
  if (fingerprint === undefined) return "";
  if (/^[0-9a-f]{64}$/.test(fingerprint)) return fingerprint;
  throw new ClusterError("protocol-violated", `the master names no certificate of ${peer}`);
}

/** `grpc://host:port/name`, or `host:port` alone. */
function parsed(text: string): { host: string; port: number } {
  return parseFileAddress(text)?.address ?? parseAddress(text);
}
