/** The control channel of P4: requests of peers to the master, as JSON over HTTP. Keys are those of
 *  existing implementations, which know the first five calls and ignore unknown keys.
 *
 *  | call | body → 200 | refused |
 *  | --- | --- | --- |
 *  | POST /register | Registration → Registered | 400, 401 |
 *  | POST /unregister | Named → Said | 400, 404 |
 *  | POST /add_file | AddFile → Said | 400, 404 |
 *  | GET, POST /get_files | Listing → Listed | 400, 404 |
 *  | GET, POST /get_file | FileWanted → FileFound | 400, 401, 404 |
 *  | POST /get_many | ManyWanted → ManyFound | 400, 401 |
 *  | POST /files | Published → Said | 400, 404 |
 *  | POST /remove_file | Named and file_name → Said | 400, 404 |
 *  | POST /heartbeat | Named → Available | 400, 404 |
 *  | POST /redeem | Redemption → Redeemed, once | 400, 401 |
 *  | POST /redeem_many | ManyRedemptions → ManyRedeemed, each once | 400, 401 |
 *
 *  GET has a JSON body, too. 413: a limit; 503: the master cannot answer now, retry. */
import type { MemberAddress } from "../../core/catalogue.ts";
import type { Hash } from "../../core/ids.ts";
import type { FileTree } from "./control-tree.ts";

/** Every refusal, and the answers that only confirm. */
export type Said = { readonly message: string };

/** The caller by its token. Callers that are no peers present a cluster token as `Authorization:
 *  Bearer` instead, and only to get_files and get_file. */
export type Named = { readonly token?: string };

export type Registration = {
  readonly client_id: string;
  /** Accepted when it is the caller's address, or the caller is on the same machine. */
  readonly ip: string;
  readonly port: number;
  /** A cluster token that may share, or the one that the master was configured with. */
  readonly genericToken: string;
  /** Longest time between its heartbeats, s; default and 0: the master's TTL. */
  readonly ttl_s?: number;
  /** Its previous token: keeps the same registration, from this address. */
  readonly token?: string;
  /** SHA-256 of its certificate, hex; without one it is asked in the clear, or not at all. */
  readonly fingerprint?: string;
};
export type Registered = { readonly token: string; readonly ttl_s?: number };
export type Available = Said & { readonly ttl_s: number };

export type FileDetails = {
  readonly root?: Hash | null;
  readonly size_bytes?: number | null;
  readonly description?: string | null;
};
export type AddFile = Named & FileDetails & { readonly file_name: string };
/** All files of the peer from now on. */
export type Published = Named & { readonly files: unknown };

export type Listing = Named & { readonly tree?: boolean };
export type Listed = { readonly files: readonly string[]; readonly tree?: FileTree };

export type FileWanted = Named & ({ readonly file_name: string } | { readonly root: Hash });
export type FileFound = {
  /** Of the first source. */
  readonly file_address: string;
  readonly file_name: string;
  readonly root: Hash | null;
  readonly size_bytes: number | null;
  readonly sources: readonly FileSource[];
};
export type FileSource = {
  readonly peer: string;
  readonly address: string;
  /** The peer's own name for the file. */
  readonly file_name: string;
  /** To be presented to that peer alone, once, soon. */
  readonly ticket: string;
  /** SHA-256 of its certificate, hex: use TLS, and refuse another certificate. */
  readonly fingerprint?: string;
};

/** Many files by their names in one call, as `get_file` finds each. */
export type ManyWanted = Named & { readonly file_names: readonly string[] };
/** In the requested order; null = none offers it now. */
export type ManyFound = { readonly files: ReadonlyArray<FileFound | null> };
/** Names, and tickets, of one such call. */
export const manyMax = 1024;

/** `token`: of the peer that was asked for the file, and wants to know whether it may send it. */
export type Redemption = { readonly token: string; readonly ticket: string };
export type Redeemed = {
  readonly file_name: string;
  readonly root: Hash | null;
  /** Peer, or owner of the cluster token, that asked for the file. */
  readonly requester: string;
  readonly expires_in_s: number;
};

export type ManyRedemptions = { readonly token: string; readonly tickets: readonly string[] };
/** In the order of the tickets; null = not valid. */
export type ManyRedeemed = { readonly files: ReadonlyArray<Redeemed | null> };

/** `grpc://<host>:<port>/<name>`: nothing is escaped, a name may hold `/` and `:`. */
export function fileAddress({ host, port }: MemberAddress, name: string): string {
  return `grpc://${host.includes(":") ? `[${host}]` : host}:${port}/${name}`;
}

const addressPattern =
  /^grpc:\/\/(?:\[([0-9a-fA-F:.]{2,45})\]|([^:/[\]]{1,255})):(\d{1,5})\/(.*)$/s;

/** The parts of such an address; null when it is malformed. */
export function parseFileAddress(
  text: string,
): { readonly address: MemberAddress; readonly name: string } | null {
  const match = addressPattern.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port < 1 || port > 65_535) return null;
  return { address: { host: (match[1] ?? match[2]) as string, port }, name: match[4] as string };
}
