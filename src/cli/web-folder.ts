/** Where the built web page lies: beside the built command line, or in `dist` of a checkout. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Null when it has not been built (`npm run build`). */
export function webFolder(): string | null {
  const isCheckout = import.meta.url.endsWith(".ts");
  const path = fileURLToPath(new URL(isCheckout ? "../../dist/web/" : "../web/", import.meta.url));
  return existsSync(`${path}index.html`) ? path : null;
}
