/** Opens the engine that an address means. */
import { ClusterError } from "../core/error.ts";
import type { Engine } from "./engine.ts";

export type EngineOptions = {
  /** Accept settings by which the loss of one server may lose what was acknowledged. */
  readonly allowSingle?: boolean;
};

/** Throws `bad-request` for an address of no known engine; else see the engines. */
export async function openEngine(url: string, options: EngineOptions = {}): Promise<Engine> {
  const scheme = /^([a-z]+):\/\//.exec(url)?.[1] ?? "";
  if (scheme === "postgres" || scheme === "postgresql") {
    const { openPostgres } = await import("./postgres/engine.ts");
    return openPostgres(url);
  }
  if (scheme === "nats" || scheme === "tls") {
    const { openJetStream } = await import("./jetstream/engine.ts");
    return openJetStream(url, options);
  }
  const known = "postgres://user@host/database or nats://a,b,c/cluster";
  const text = `${url.slice(0, 80)} is not the address of a log; that looks like ${known}`;
  throw new ClusterError("bad-request", `${text}; leave it out for a log on this disk`);
}
