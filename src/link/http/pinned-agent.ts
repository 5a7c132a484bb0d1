/** Persistent connections for HTTPS to exactly one certificate, or to any that the system
 *  trusts. */
import { Agent } from "node:https";
import { connectPinned, parseFingerprint } from "../websocket/pinned-tls.ts";

/** With a pin (SHA-256 of the certificate, hex; "" = none) the issuer does not matter; without, the
 *  system's authorities decide. */
export function pinnedAgent(origin: string, pin: string, options: object): Agent {
  const agent = new Agent(options);
  if (pin === "") return agent;
  const fingerprint = parseFingerprint(pin);
  agent.createConnection = (_options, callback) => {
    const limit = AbortSignal.timeout(10_000);
    connectPinned(new URL(origin), fingerprint, limit).then(
      (socket) => callback?.(null, socket),
      (error: Error) => callback?.(error, undefined as never),
    );
    return null;
  };
  return agent;
}
