/** Compares a presented secret in constant time. */
import { createHash, timingSafeEqual } from "node:crypto";

export function isSameSecret(shown: string, expected: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(shown), digest(expected));
}
