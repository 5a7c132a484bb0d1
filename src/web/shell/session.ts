/** The tokens of this tab: they come in a link's fragment, which no server sees, leave the address
 *  bar at once, and are kept for this tab alone. */

import { isJoinCode, tokenOfJoinCode } from "../../wire/api/join-code.ts";
import { Sha256 } from "../../worker/browser/node-shims/sha256.ts";

/** reader: sees and does what its owner may · join: lets this tab work, but gives no access to the
 *  dashboard. */
type Use = "reader" | "join";

const tokens: Record<Use, string> = { reader: "", join: "" };
const keys: Readonly<Record<Use, string>> = { reader: "tequio.token", join: "tequio.join" };

/** Takes the token of `/#token=…`, or of the short join link `/j#…`. */
export function startSession(): void {
  for (const use of ["reader", "join"] as const) tokens[use] = read(use);
  const text = decodeURIComponent(location.hash.slice(1)).replace(/^token=/, "");
  const fragment = isJoinCode(text) ? tokenOfJoinCode(text, sha256) : text;
  if (!isToken(fragment)) return;
  setToken(fragment);
  history.replaceState(null, "", location.pathname + location.search);
}

/** Not the browser's own: it has none on plain http. */
function sha256(bytes: Uint8Array): string {
  return new Sha256().update(bytes).digest("hex");
}

/** Whether the text has the form of a token. */
export function isToken(text: string): boolean {
  return /^mrt_(admin|submit|join|worker|read)_[a-z0-9-]{1,32}_[0-9a-f]{72}$/.test(text);
}

/** "" = none. */
export function readerToken(): string {
  return tokens.reader;
}

/** "" = none. */
export function joinToken(): string {
  return tokens.join;
}

export function setToken(text: string): void {
  const use: Use = text.startsWith("mrt_join_") ? "join" : "reader";
  tokens[use] = text;
  try {
    sessionStorage.setItem(keys[use], text);
  } catch {
    // Without storage it lasts as long as this page.
  }
}

export function forgetToken(use: Use): void {
  tokens[use] = "";
  try {
    sessionStorage.removeItem(keys[use]);
  } catch {
    // See `startSession`.
  }
}

function read(use: Use): string {
  try {
    return sessionStorage.getItem(keys[use]) ?? "";
  } catch {
    return "";
  }
}
