/** The tracker that the gateway dials itself, and dials again: from the first message on it is as
 *  if the tracker had come. */
import { ClusterError } from "../core/error.ts";
import { dialText } from "../link/websocket.ts";
import { browserLimits, gatewayPath } from "../wire/browser/messages.ts";
import type { Gateway, GatewayLink } from "./gateway.ts";

export type TrackerAddress = {
  readonly url: string;
  readonly token: string;
  /** SHA-256 of its certificate; "" = none pinned. */
  readonly fingerprint: string;
};

export type Upholding = {
  /** Rejects when the tracker refuses this gateway for good. */
  readonly failed: Promise<never>;
  stop(): void;
};

const backoffMs = { first: 500, longest: 15_000 };

export function upholdTracker(
  gateway: Gateway,
  address: TrackerAddress,
  print: (line: string) => void,
): Upholding {
  const stopping = new AbortController();
  const { promise: failed, reject } = Promise.withResolvers<never>();
  // It may be rejected before anybody looks.
  failed.catch(() => {});
  void keepDialling(gateway, address, { print, signal: stopping.signal }).catch(reject);
  return { failed, stop: () => stopping.abort() };
}

type Keeping = { readonly print: (line: string) => void; readonly signal: AbortSignal };

async function keepDialling(
  gateway: Gateway,
  address: TrackerAddress,
  { print, signal }: Keeping,
): Promise<void> {
  let waitMs = backoffMs.first;
  let told = "";
  // A coordinator that is away for an hour is told of once.
  const tell = (line: string) => {
    if (line !== told) print(line);
    told = line;
  };
  while (!signal.aborted) {
    try {
      const why = await hold(gateway, address, signal);
      waitMs = backoffMs.first;
      told = "";
      if (!signal.aborted) print(`the tracker is gone (${why}); dialling it again`);
    } catch (error) {
      if (!(error instanceof ClusterError) || !error.retryable) throw error;
      tell(`${error.text}; trying again`);
    }
    await pause(waitMs, signal);
    waitMs = Math.min(backoffMs.longest, waitMs * 2);
  }
}

/** Resolves with why the link closed. */
async function hold(
  gateway: Gateway,
  { fingerprint, token, url }: TrackerAddress,
  signal: AbortSignal,
): Promise<string> {
  const link = await dialText(new URL(gatewayPath, url).href, {
    headers: { authorization: `Bearer ${token}` },
    frameMaxBytes: browserLimits.messageMax,
    ...(fingerprint === "" ? {} : { tls: { fingerprint } }),
  });
  return new Promise((resolve) => {
    const watched: GatewayLink = {
      remote: link.remote,
      send: (text) => link.send(text),
      close: (code, reason) => link.close(code, reason),
      receive: (receiver) =>
        link.receive({
          said: (text) => receiver.said(text),
          misspoke: (what) => receiver.misspoke(what),
          closed: (reason) => {
            signal.removeEventListener("abort", stop);
            receiver.closed(reason);
            resolve(reason);
          },
        }),
    };
    const stop = () => link.close(1001, "the gateway is stopping");
    signal.addEventListener("abort", stop, { once: true });
    gateway.accept(watched, { remote: link.remote, trackerProblem: null });
  });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", over);
      resolve();
    };
    const timer = setTimeout(over, ms);
    signal.addEventListener("abort", over);
  });
}
