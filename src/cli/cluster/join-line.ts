/** The one line by which another machine joins. */
import { reachableUrl } from "../../link/listen.ts";

export { reachableUrl };

export function joinLine(url: string, token: string, fingerprint: string): string {
  const pin = fingerprint === "" ? "" : ` --fingerprint ${fingerprint}`;
  return `tequio join ${url} --token ${token}${pin}`;
}

/** The same on this machine: "every address" is no address to dial. */
export function localUrl(url: string): string {
  return reachableUrl(url, ["127.0.0.1"]);
}
