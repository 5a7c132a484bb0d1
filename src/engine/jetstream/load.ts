/** The packages of NATS, loaded when a log in JetStream is opened. */
import { loadOnce } from "../../link/load-once.ts";

export type Nats = typeof import("@nats-io/transport-node") & {
  readonly jetstream: typeof import("@nats-io/jetstream").jetstream;
  readonly jetstreamManager: typeof import("@nats-io/jetstream").jetstreamManager;
};

export const installLine = "npm install @nats-io/transport-node@3 @nats-io/jetstream@3";

/** Throws `unavailable` with what to install. */
export const loadNats = loadOnce(
  async (): Promise<Nats> => {
    const transport = await import("@nats-io/transport-node");
    const { jetstream, jetstreamManager } = await import("@nats-io/jetstream");
    return { ...transport, jetstream, jetstreamManager };
  },
  (code, { message }) => {
    const why =
      code === "ERR_MODULE_NOT_FOUND"
        ? "are not installed"
        : `cannot be loaded (${code === "" ? message : code})`;
    const what = "the packages @nats-io/transport-node and @nats-io/jetstream";
    return `a log in JetStream needs ${what}, which ${why}; install them: ${installLine}`;
  },
);
