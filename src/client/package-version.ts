/** The version in package.json, which lies two directories up in the checkout and in the package
 *  alike. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

export function packageVersion(): string {
  const file = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

/** Where the sources lie; null in the package, which has none. */
export function checkoutFolder(): string | null {
  const isSource = import.meta.url.endsWith(".ts");
  return isSource ? resolve(import.meta.dirname, "../..") : null;
}
