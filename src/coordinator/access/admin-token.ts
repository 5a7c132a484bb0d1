/** The token with which programs of the same user on the same machine are administrators. */

import type { Auth } from "./auth.ts";
import { readPrivate, writePrivate } from "./private-file.ts";

/** The token in the file, while it is valid; else a new one. Throws `forbidden` when other users
 *  can read it. */
export async function ownAdminToken(path: string, auth: Auth): Promise<string> {
  const kept = readPrivate(path)?.trim() ?? "";
  if (isGood(kept, auth)) return kept;
  const { token } = await auth.issue({ role: "admin", owner: "admin", ttlMs: 0, usesMax: 0 });
  writePrivate(path, `${token}\n`);
  return token;
}

function isGood(token: string, auth: Auth): boolean {
  try {
    return auth.principal(token).role === "admin";
  } catch {
    return false;
  }
}
