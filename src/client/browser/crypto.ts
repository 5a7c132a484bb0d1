/** `node:crypto` in a page, as far as clients use it: also on plain HTTP, where browsers leave out
 *  what they have of it. */
export { createHash } from "../../worker/browser/node-shims/crypto.ts";

export function randomUUID(): string {
  return crypto.getRandomValues(Buffer.alloc(16)).toString("hex");
}
