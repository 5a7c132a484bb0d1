/** Where the built web page lies: beside the built command line, or in `dist` of a checkout. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Null when it has not been built (`npm run build`). */
export function webFolder(): string | null {
  const places = ["../web/", "../../dist/web/"].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  return places.find((path) => existsSync(`${path}index.html`)) ?? null;
}
