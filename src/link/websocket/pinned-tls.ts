/** TLS to exactly one certificate. Connected and checked before anything is written: a request that
 *  waits for the handshake may leave together with its last message, secrets included, before a
 *  later check can stop it. */
import { createHash } from "node:crypto";
import { isIP } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { ClusterError } from "../../core/error.ts";

/** 64 lowercase hex digits, from the usual spellings (capitals, colons). */
export function parseFingerprint(text: string): string {
  const hex = text.replaceAll(":", "").toLowerCase();
  if (/^[0-9a-f]{64}$/.test(hex)) return hex;
  throw new ClusterError(
    "bad-request",
    "the pinned fingerprint is not a SHA-256 of 64 hex digits; copy the whole join command",
  );
}

/** A connected socket whose server has proved that it holds the key of the pinned certificate. The
 *  certificate's issuer, names and dates do not matter: the pin is stricter. */
export function connectPinned(
  target: URL,
  fingerprint: string,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const host = target.hostname.replace(/^\[|\]$/g, "");
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port: Number(target.port || 443),
      servername: isIP(host) === 0 ? host : "",
      ALPNProtocols: ["http/1.1"],
      rejectUnauthorized: false,
    });
    const aborted = () => {
      socket.destroy();
      reject(signal.reason);
    };
    signal.addEventListener("abort", aborted, { once: true });
    // Stays: until the request takes over the socket, an error would have no listener.
    socket.on("error", reject);
    socket.once("close", () => reject(new Error("closed during the TLS handshake")));
    socket.once("secureConnect", () => {
      signal.removeEventListener("abort", aborted);
      const shown = socket.getPeerCertificate().raw;
      const digest = shown === undefined ? "" : createHash("sha256").update(shown).digest("hex");
      if (digest === fingerprint) {
        resolve(socket);
        return;
      }
      socket.destroy();
      reject(
        new ClusterError(
          "unauthenticated",
          `${target.host} shows another certificate (${digest.slice(0, 16)}…) than the pinned ` +
            `one (${fingerprint.slice(0, 16)}…): another server answers there, or the ` +
            "coordinator has a new certificate; nothing was sent. Get a new join command from " +
            "the coordinator",
        ),
      );
    });
  });
}
