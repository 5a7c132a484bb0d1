/** Links over libp2p: the carrier of existing managers and workers. */
export { Node, type NodeOptions, newKey } from "./libp2p/node.ts";
export type { FrameIds } from "./libp2p/request-link.ts";
