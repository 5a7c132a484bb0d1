/** The text of tokens: `mrt_<kind>_<id>_<secret><crc>`. The log only ever holds their SHA-256.
 *
 *  The secret has 256 bits, that of a join token 100: it is computed from a short code, see
 *  wire/api/join-code.ts. The CRC-32 distinguishes a typing error from a wrong token without a
 *  lookup. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Role } from "../../core/access/roles.ts";
import { joinCodeOf, tokenOfJoinCode } from "../../wire/api/join-code.ts";

/** join: may bring workers, or volunteers into the cluster · worker: the credential of one worker,
 *  issued at its first join. */
export type TokenKind = "admin" | "submit" | "join" | "worker" | "read";

export const tokenRoles: Readonly<Record<TokenKind, Role>> = {
  admin: "admin",
  submit: "submitter",
  join: "worker",
  worker: "worker",
  read: "reader",
};

/** The kind that is issued for a role; `worker` tokens are only issued to workers that join. */
export const kindForRole: Readonly<Record<Role, TokenKind>> = {
  admin: "admin",
  submitter: "submit",
  worker: "join",
  volunteer: "join",
  reader: "read",
};

const pattern =
  /^mrt_(admin|submit|join|worker|read)_([a-z0-9][a-z0-9-]{0,31})_([0-9a-f]{64})([0-9a-f]{8})$/;

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, "0");
}

function hexOf(bytes: string | Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function tokenHash(token: string): string {
  return hexOf(token);
}

/** A new token with its hash; `id` is random unless it names a worker. */
export function mintToken(
  kind: TokenKind,
  id = randomBytes(5).toString("hex"),
): { readonly id: string; readonly token: string; readonly hash: string } {
  const text = `mrt_${kind}_${id}_${randomBytes(32).toString("hex")}`;
  const token = `${text}${checksum(text)}`;
  return { id, token, hash: tokenHash(token) };
}

export type MintedToken = {
  readonly id: string;
  readonly token: string;
  /** Its short form; of join tokens only. */
  readonly code?: string;
};

/** A new token for this role. A join token is made from its code, which has 100 random bits. */
export function mintFor(role: Role): MintedToken & { readonly hash: string } {
  const kind = kindForRole[role];
  if (kind !== "join") return mintToken(kind);
  const code = joinCodeOf(randomBytes(20));
  const token = tokenOfJoinCode(code, hexOf);
  const read = readToken(token);
  if ("problem" in read) throw new Error(read.problem);
  return { id: read.id, token, code, hash: tokenHash(token) };
}

/** Kind and id of a token text, or why it is malformed, for its owner. */
export function readToken(
  token: string,
): { readonly kind: TokenKind; readonly id: string } | { readonly problem: string } {
  const match = pattern.exec(token);
  if (match === null) return { problem: "this is not a token (they start with mrt_)" };
  const [, kind, id, , crc] = match;
  if (checksum(token.slice(0, -8)) !== crc) {
    return { problem: "the token has a typing error (its checksum is wrong); copy it again" };
  }
  return { kind: kind as TokenKind, id: id! };
}

/** Takes the same time wherever the two differ. */
export function sameHash(a: string, b: string): boolean {
  const left = Buffer.from(a, "hex");
  const right = Buffer.from(b, "hex");
  return left.length === right.length && left.length === 32 && timingSafeEqual(left, right);
}
