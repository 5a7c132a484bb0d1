/** Tasks in a Worker of a real tab, without a cluster: returns the bytes of their output. */
import type { Page } from "playwright-core";
import type { FromTaskWorker, TaskOrder, ToTaskWorker } from "../../src/worker/browser/contract.ts";

type Packed = { readonly packed: string };
export type TabOutput = {
  readonly files: Readonly<Record<string, Buffer>>;
  readonly messages: readonly FromTaskWorker[];
};

/** Members of a page that Node's types do not declare. */
type InPage = {
  readonly Worker: new (
    url: string,
  ) => {
    onerror: ((event: { readonly message: string }) => void) | null;
    postMessage(message: unknown, ports: readonly unknown[]): void;
    terminate(): void;
  };
};
type Port = { onmessage: ((event: { readonly data: { kind: string } }) => void) | null };

type InPageOrders = {
  readonly code: string;
  readonly orders: readonly unknown[];
  readonly go: object;
};

/** Runs in the page: bytes are passed as base64, since only JSON can be passed. */
async function inPage(given: InPageOrders): Promise<unknown> {
  const { code, go, orders } = given;
  const unpack = (value: unknown): unknown => {
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map(unpack);
    const { packed } = value as Partial<Packed>;
    if (packed !== undefined) return Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, unpack(one)]));
  };
  const pack = (value: unknown): unknown => {
    if (value instanceof Uint8Array) {
      let text = "";
      for (const byte of value) text += String.fromCharCode(byte);
      return { packed: btoa(text) };
    }
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map(pack);
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, pack(one)]));
  };
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const { Worker } = globalThis as unknown as InPage;
  const worker = new Worker(url);
  const all: unknown[][] = [];
  for (const [id, order] of orders.entries()) {
    const { port1, port2 } = new MessageChannel();
    const messages: unknown[] = [];
    all.push(messages);
    await new Promise<void>((resolve, reject) => {
      worker.onerror = (event) => reject(new Error(event.message));
      (port1 as unknown as Port).onmessage = ({ data }) => {
        messages.push(pack(data));
        if (["over", "load-failed"].includes(data.kind)) resolve();
      };
      worker.postMessage({ kind: "order", id, order: unpack(order) }, [port2]);
      port1.postMessage(go);
    });
  }
  worker.terminate();
  return all;
}

/** `share`: the share of the time in which it may compute. */
export async function runInTab(
  page: Page,
  code: string,
  order: TaskOrder,
  share = 1,
): Promise<TabOutput> {
  const [output] = await runInWorker(page, code, [order], share);
  return output as TabOutput;
}

/** One after the other in the same Worker. */
export async function runInWorker(
  page: Page,
  code: string,
  orders: readonly TaskOrder[],
  share = 1,
): Promise<TabOutput[]> {
  const go: ToTaskWorker = { kind: "go", share };
  const packed = JSON.parse(JSON.stringify(orders, packing)) as unknown[];
  const all = (await page.evaluate(inPage, { code, orders: packed, go })) as FromTaskWorker[][];
  return all.map(outputOf);
}

function outputOf(messages: readonly FromTaskWorker[]): TabOutput {
  const handed = messages.find((message) => message.kind === "files");
  const files = Object.entries(handed?.files ?? {}).map(([name, parts]) => {
    const packed = parts as unknown as Packed[];
    return [name, Buffer.concat(packed.map((part) => Buffer.from(part.packed, "base64")))] as const;
  });
  return { files: Object.fromEntries(files), messages };
}

function packing(_name: string, value: unknown): unknown {
  if (!(value instanceof Uint8Array)) return value;
  return { packed: Buffer.from(value).toString("base64") };
}
