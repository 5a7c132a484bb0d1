/** Who may do what: roles and the tokens that carry them. Tokens themselves are never here, only
 *  hashes. */

/** admin: everything · submitter: own jobs and files · worker: lease tasks, serve files ·
 *  volunteer: lease tasks of jobs that are shared with volunteers, whose results are checked ·
 *  reader: look and fetch only. */
export type Role = "admin" | "submitter" | "worker" | "volunteer" | "reader";
export const roles: readonly Role[] = ["admin", "submitter", "worker", "volunteer", "reader"];

/** Brings workers into the cluster, of either class. */
export function isOfWorker(role: Role): boolean {
  return role === "worker" || role === "volunteer";
}

export type TokenRecord = {
  readonly id: string;
  readonly role: Role;
  readonly owner: string;
  /** SHA-256 of the token text, hex. */
  readonly hash: string;
  /** Coordinator's clock; 0 = never. */
  expiresAtMs: number;
  /** Coordinator's clock; absent = not known, before any jump of it. */
  issuedAtMs?: number;
  /** Joins allowed; 0 = any number. */
  readonly usesMax: number;
  uses: number;
  revoked: boolean;
  /** Of a worker's credential: id of the join token that let it in; absent = not known. */
  readonly by?: string;
  /** Revoked together with all workers that joined with it: a worker whose join is still in
   *  progress gets no credential. */
  shutsOut?: boolean;
};

/** What a principal of each role may do. A call that is not listed is refused. */
export type Action =
  | "submit"
  | "cancel-own"
  | "cancel-any"
  | "read-own"
  | "read-any"
  | "read-workers"
  | "work"
  | "share"
  | "fetch-shared"
  | "manage-tokens"
  | "remove-members"
  | "use-local-paths"
  | "shutdown";

const allowed: Readonly<Record<Role, readonly Action[]>> = {
  admin: [
    "submit",
    "cancel-own",
    "cancel-any",
    "read-own",
    "read-any",
    "read-workers",
    "share",
    "fetch-shared",
    "manage-tokens",
    "remove-members",
    "use-local-paths",
    "shutdown",
  ],
  submitter: ["submit", "cancel-own", "read-own", "read-workers", "share", "fetch-shared"],
  worker: ["work", "share", "fetch-shared"],
  volunteer: ["work"],
  reader: ["read-any", "read-own", "read-workers", "fetch-shared"],
};

export function actionsOf(role: Role): readonly Action[] {
  return allowed[role];
}

export function may(role: Role, action: Action): boolean {
  return allowed[role].includes(action);
}

/** Why a token cannot be used now, or null when it can. */
export function tokenProblem(
  token: TokenRecord,
  atMs: number,
): "revoked" | "expired" | "used up" | null {
  if (token.revoked) return "revoked";
  if (token.expiresAtMs !== 0 && atMs >= token.expiresAtMs) return "expired";
  if (token.usesMax !== 0 && token.uses >= token.usesMax) return "used up";
  return null;
}
