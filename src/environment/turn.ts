/** A turn of the event loop: after it, what was rejected before and is awaited by nothing has been
 *  reported. Taken before job code can change the globals, some of which it does not have. */

const immediate = (globalThis as { setImmediate?: (call: () => void) => unknown }).setImmediate;
const Channel = globalThis.MessageChannel;

export function turn(): Promise<void> {
  return new Promise((resolve) => {
    if (immediate !== undefined) immediate(() => resolve());
    // Browsers queue the report behind the message that was sent before it.
    else hop(() => hop(resolve));
  });
}

function hop(then: () => void): void {
  const { port1, port2 } = new Channel();
  (port1 as unknown as { onmessage: () => void }).onmessage = () => {
    port1.close();
    then();
  };
  port2.postMessage(null);
}
