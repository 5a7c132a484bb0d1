/** The address that existing programs are given to come back to: messages name one, and "every
 *  address" is none. */
import { networkInterfaces } from "node:os";

/** The host itself, unless it stands for all: then the first address that others may reach. */
export function advertisedHost(host: string): string {
  if (host !== "0.0.0.0" && host !== "::") return host;
  const outer = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => !internal && family === "IPv4");
  return outer?.address ?? "127.0.0.1";
}
