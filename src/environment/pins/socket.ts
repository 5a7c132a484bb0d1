/** The `WebSocket` of a realm of Node that runs job code alone: a class of its own with the members
 *  that Node's has. Node reads all of its `fetch` when its own class is looked at, or only asked
 *  for its descriptor: half of the processor time that a task process takes to start. */

const constants = ["CONNECTING", "OPEN", "CLOSING", "CLOSED"];
const readable = ["readyState", "bufferedAmount", "url", "extensions", "protocol"];
const writable = ["onopen", "onerror", "onclose", "onmessage", "binaryType"];

/** `refuse` throws. Nothing is ever made of it, so that its members have nothing to work on. */
export function socketWithout(refuse: () => never): new (url: unknown) => EventTarget {
  class WebSocket extends EventTarget {
    constructor(_url: unknown) {
      refuse();
      super();
    }

    close(): void {
      illegal();
    }

    send(_data: unknown): void {
      illegal();
    }
  }
  const { prototype } = WebSocket;
  for (const [value, name] of constants.entries()) {
    for (const owner of [WebSocket, prototype]) {
      Object.defineProperty(owner, name, { value, enumerable: true });
    }
  }
  const shape = { enumerable: true, configurable: true };
  for (const name of ["close", "send"]) {
    Object.defineProperty(prototype, name, { enumerable: true });
  }
  for (const name of readable) Object.defineProperty(prototype, name, { ...shape, get: illegal });
  for (const name of writable) {
    Object.defineProperty(prototype, name, { ...shape, get: illegal, set: illegal });
  }
  const tag = { value: "WebSocket", configurable: true };
  Object.defineProperty(prototype, Symbol.toStringTag, tag);
  return WebSocket;
}

function illegal(): never {
  throw new TypeError("Illegal invocation");
}
