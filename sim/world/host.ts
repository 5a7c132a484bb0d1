/** What a simulation needs of its platform, Node or a browser tab: to know when all promises have
 *  settled, and to be notified of unhandled rejections. */

type Channel = new () => {
  readonly port1: { onmessage: (() => void) | null };
  readonly port2: { postMessage(message: null): void };
};
type Rejected = { readonly reason: unknown; preventDefault(): void };
type Host = {
  readonly process?: {
    nextTick?(then: () => void): void;
    on(event: "unhandledRejection", heard: (reason: unknown) => void): void;
    off(event: "unhandledRejection", heard: (reason: unknown) => void): void;
  };
  readonly setImmediate?: (then: () => void) => void;
  readonly MessageChannel: Channel;
  addEventListener(event: "unhandledrejection", heard: (event: Rejected) => void): void;
  removeEventListener(event: "unhandledrejection", heard: (event: Rejected) => void): void;
};

const host = globalThis as unknown as Host;
const node = host.process?.nextTick === undefined ? null : host.process;
const waiting: Array<() => void> = [];
const wakeUp = node === null ? openChannel() : null;

/** A tab has no faster way to wait until no microtask is left. */
function openChannel(): () => void {
  const { port1, port2 } = new host.MessageChannel();
  port1.onmessage = () => waiting.shift()?.();
  return () => port2.postMessage(null);
}

function message(resolve: () => void): void {
  waiting.push(resolve);
  wakeUp!();
}

/** Lets promises settle: in Node a tick comes only when no microtask is left, so everything that
 *  waits like this runs before this resolves. Several times cheaper than a turn of the platform's
 *  loop, which nothing here needs: members wait only for promises and the clock. */
export function rest(): Promise<void> {
  return new Promise(node === null ? message : (resolve) => node.nextTick!(resolve));
}

/** Like `rest`, plus a whole turn of the platform's loop, which then reports unhandled
 *  rejections. */
export function turn(): Promise<void> {
  return new Promise(node === null ? message : (resolve) => host.setImmediate!(resolve));
}

/** Calls `heard` with every unhandled rejection; the returned function ends that. */
export function onUnhandled(heard: (reason: unknown) => void): () => void {
  if (node !== null) {
    node.on("unhandledRejection", heard);
    return () => node.off("unhandledRejection", heard);
  }
  const told = (event: Rejected) => {
    event.preventDefault();
    heard(event.reason);
  };
  host.addEventListener("unhandledrejection", told);
  return () => host.removeEventListener("unhandledrejection", told);
}
