/** The registered nodes: kept on the disk, since each is informed only once that it is registered,
 *  and removed when they do not answer. */
import { join } from "node:path";
import { ClusterError } from "../../../../core/error.ts";
import { makeDirectory } from "../../../../store/directory.ts";
import type { Node } from "../../../../wire/filesystem/register.ts";
import { readPrivate, writePrivate } from "../../../access/private-file.ts";
import { filesystemDir, registerFile } from "../../../filesystem-dir.ts";

export type Kind = "worker" | "filesystem";
export type Nodes = Readonly<Record<Kind, Node[]>>;

/** Limit for each kind. */
const nodesMax = 10_000;

export class NodeList {
  readonly #path: string;
  readonly #nodes: Nodes;

  constructor(dataDir: string) {
    makeDirectory(join(dataDir, filesystemDir));
    this.#path = join(dataDir, filesystemDir, registerFile);
    const text = readPrivate(this.#path);
    this.#nodes = text === null ? { worker: [], filesystem: [] } : (JSON.parse(text) as Nodes);
  }

  list(kind: Kind): readonly Node[] {
    return this.#nodes[kind];
  }

  /** False when it was registered already; its ping address is updated then. Throws
   *  `limit-exceeded`. Durable when it returns. */
  add(kind: Kind, node: Node): boolean {
    const nodes = this.#nodes[kind];
    const at = nodes.findIndex((one) => isSame(one, node));
    if (at < 0 && nodes.length >= nodesMax) {
      throw new ClusterError("limit-exceeded", `${nodesMax} nodes are registered, the maximum`);
    }
    const isKnown = at >= 0 && JSON.stringify(nodes[at]) === JSON.stringify(node);
    if (at >= 0) nodes[at] = node;
    else nodes.push(node);
    if (!isKnown) this.#save();
    return at < 0;
  }

  drop(kind: Kind, node: Node): void {
    const at = this.#nodes[kind].findIndex((one) => isSame(one, node));
    if (at < 0) return;
    this.#nodes[kind].splice(at, 1);
    this.#save();
  }

  #save(): void {
    writePrivate(this.#path, JSON.stringify(this.#nodes));
  }
}

function isSame({ address: a }: Node, { address: b }: Node): boolean {
  return a.host === b.host && a.port === b.port;
}
