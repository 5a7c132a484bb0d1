/** What a simulation needs of the platform that it runs on, Node or a browser tab: to know when
 *  every promise has come to rest, and to hear of rejections that nobody took. */

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

/** A tab has no shorter way to wait until no microtask is left. */
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
 *  waits as one runs before this resolves. Several times cheaper than a turn of the platform's
 *  loop, which nothing here needs: no member waits for anything but promises and the clock. */
export function rest(): Promise<void> {
  return new Promise(node === null ? message : (resolve) => node.nextTick!(resolve));
}

/** As `rest`, and a whole turn of the platform's loop, which then tells of rejections. */
export function turn(): Promise<void> {
  return new Promise(node === null ? message : (resolve) => host.setImmediate!(resolve));
}

/** Calls `heard` with every rejection that nobody takes; the returned function ends that. */
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
