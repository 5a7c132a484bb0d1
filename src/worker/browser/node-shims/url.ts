/** `node:url` in a tab, as far as tasks use it. */

export function fileURLToPath(url: URL): string {
  return url.pathname;
}
