/** The address to which existing programs are asked to connect: messages name one, so the
 *  unspecified address cannot be used. */
import { networkInterfaces } from "node:os";

/** The host itself, unless it is the unspecified address: then the first address that other
 *  machines can reach. */
export function advertisedHost(host: string): string {
  if (host !== "0.0.0.0" && host !== "::") return host;
  const outer = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => !internal && family === "IPv4");
  return outer?.address ?? "127.0.0.1";
}
