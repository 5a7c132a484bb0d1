/** Puts the modules of jobs on the operator's IPFS node: existing workers of the manager protocol
 *  fetch programs from IPFS and nowhere else. */
import { ClusterError } from "../../../core/error.ts";

export type Ipfs = {
  /** The address of these bytes, as `/ipfs/Qm…`. Rejects with `unavailable` when the node does not
   *  take them. */
  add(bytes: Uint8Array): Promise<string>;
};

/** Longest wait for the node, ms. */
const limitMs = 30_000;
/** Its answer to one file. */
const answerCharactersMax = 64 * 1024;

/** `api`: the RPC address of the node, as `http://127.0.0.1:5001`. The node keeps the module, and
 *  anyone who knows its address can fetch it. */
export function ipfsNode(api: string): Ipfs {
  return {
    async add(bytes) {
      const form = new FormData();
      form.append("file", new Blob([new Uint8Array(bytes)]), "module.wasm");
      const url = new URL("/api/v0/add?cid-version=0&pin=true", api);
      try {
        const signal = AbortSignal.timeout(limitMs);
        const answer = await fetch(url, { method: "POST", body: form, signal, redirect: "error" });
        const text = (await answer.text()).slice(0, answerCharactersMax);
        if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
        // A line for each file, of which there is one.
        const { Hash: hash } = JSON.parse(text.split("\n", 1)[0] as string) as { Hash?: unknown };
        if (typeof hash === "string" && /^[A-Za-z0-9]{20,100}$/.test(hash)) return `/ipfs/${hash}`;
        throw new Error("its answer has no hash");
      } catch (cause) {
        const text = `the IPFS node at ${api} has not taken a module: ${(cause as Error).message}`;
        throw new ClusterError("unavailable", text, { cause });
      }
    },
  };
}
