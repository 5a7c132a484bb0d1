/** The tracker that the gateway dials itself, and dials again: from the first message on it is
 *  treated like a tracker that dialled in. */
import { ClusterError } from "../core/error.ts";
import { Coordinators } from "../link/http/coordinators.ts";
import { dialText, type TextLink } from "../link/websocket.ts";
import { browserLimits, gatewayPath } from "../wire/browser/messages.ts";
import type { Gateway, GatewayLink } from "./gateway.ts";

export type TrackerAddress = {
  /** Several of one cluster with commas between them: the one that leads is dialled. */
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

export type TrackerNews = {
  readonly kind: "connected" | "apart" | "unreachable";
  readonly text: string;
  /** Time until it is dialled again, ms; 0 when connected. */
  readonly retryMs: number;
};

const backoffMs = { first: 500, longest: 15_000 };
/** How long one of several is waited for until it leads, ms. */
const leaderMs = 10_000;

export function upholdTracker(
  gateway: Gateway,
  address: TrackerAddress,
  tell: (news: TrackerNews) => void,
): Upholding {
  const stopping = new AbortController();
  const { promise: failed, reject } = Promise.withResolvers<never>();
  // It may be rejected before there is a listener.
  failed.catch(() => {});
  void keepDialling(gateway, address, { tell, signal: stopping.signal }).catch(reject);
  return { failed, stop: () => stopping.abort() };
}

type Keeping = { readonly tell: (news: TrackerNews) => void; readonly signal: AbortSignal };

async function keepDialling(
  gateway: Gateway,
  address: TrackerAddress,
  { tell, signal }: Keeping,
): Promise<void> {
  const { fingerprint, url } = address;
  const trackers = new Coordinators({ urls: url, fingerprint });
  const unwatch = trackers.watch();
  signal.addEventListener("abort", unwatch, { once: true });
  let waitMs = backoffMs.first;
  while (!signal.aborted) {
    try {
      if (trackers.areSeveral) await trackers.findWithin(leaderMs, signal).catch(() => null);
      if (signal.aborted) return;
      const link = await dialTracker({ ...address, url: trackers.url });
      // It learns of the others.
      if (!trackers.areSeveral) void trackers.find();
      tell({ kind: "connected", text: `connected to the tracker at ${link.remote}`, retryMs: 0 });
      const why = await hold(gateway, link, { signal, moved: trackers.moved });
      waitMs = backoffMs.first;
      if (signal.aborted) return;
      tell({ kind: "apart", text: `the tracker is gone (${why})`, retryMs: waitMs });
    } catch (error) {
      if (!(error instanceof ClusterError) || !error.retryable) throw error;
      const text = `cannot reach the tracker: ${error.text}`;
      tell({ kind: "unreachable", text, retryMs: waitMs });
    }
    await pause(waitMs, signal);
    waitMs = Math.min(backoffMs.longest, waitMs * 2);
  }
}

function dialTracker({ fingerprint, token, url }: TrackerAddress): Promise<TextLink> {
  return dialText(new URL(gatewayPath, url).href, {
    headers: { authorization: `Bearer ${token}` },
    frameMaxBytes: browserLimits.messageMaxBytes,
    ...(fingerprint === "" ? {} : { tls: { fingerprint } }),
  });
}

/** Resolves with the reason why the link closed. */
function hold(
  gateway: Gateway,
  link: TextLink,
  { moved, signal }: { readonly signal: AbortSignal; readonly moved: AbortSignal },
): Promise<string> {
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
            moved.removeEventListener("abort", leave);
            receiver.closed(reason);
            resolve(reason);
          },
        }),
    };
    const stop = () => link.close(1001, "the gateway is stopping");
    // One that is stopped does not close its side.
    const leave = () => link.cut("another coordinator leads");
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    moved.addEventListener("abort", leave, { once: true });
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
