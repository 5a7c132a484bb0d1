/** The layers of a job's graph: each node is in the first one behind all that it reads. Pure. */
import type { GraphNode } from "../../wire/api/graph.ts";

export function layersOf(nodes: readonly GraphNode[]): GraphNode[][] {
  const layerOf = new Map<string, number>();
  const layers: GraphNode[][] = [];
  for (const node of nodes) {
    const layer = node.reads.reduce((most, id) => Math.max(most, 1 + (layerOf.get(id) ?? -1)), 0);
    layerOf.set(node.id, layer);
    while (layers.length <= layer) layers.push([]);
    layers[layer]?.push(node);
  }
  return layers;
}

/** Whether it says more than the list of stages does. */
export function isWorthDrawing(nodes: readonly GraphNode[]): boolean {
  const count = (kind: GraphNode["kind"]) => nodes.filter((node) => node.kind === kind).length;
  return count("stage") > 1 || count("input") > 1;
}

/** A rectangle within the drawing, px. */
export type Box = {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
};

/** From the right of one to the left of the other, or from below to above where they are stacked;
 *  `arrow`: its point, as an SVG path too. */
export function edgeBetween(from: Box, to: Box): { readonly line: string; readonly arrow: string } {
  const isBeside = to.left >= from.left + from.width;
  if (isBeside) {
    const [x1, y1] = [from.left + from.width, from.top + from.height / 2];
    const [x2, y2] = [to.left - tip, to.top + to.height / 2];
    const bend = (x1 + x2) / 2;
    return {
      line: `M${x1} ${y1}C${bend} ${y1} ${bend} ${y2} ${x2} ${y2}`,
      arrow: `M${x2} ${y2 - half}L${x2 + tip} ${y2}L${x2} ${y2 + half}Z`,
    };
  }
  const [x1, y1] = [from.left + from.width / 2, from.top + from.height];
  const [x2, y2] = [to.left + to.width / 2, to.top - tip];
  const bend = (y1 + y2) / 2;
  return {
    line: `M${x1} ${y1}C${x1} ${bend} ${x2} ${bend} ${x2} ${y2}`,
    arrow: `M${x2 - half} ${y2}L${x2} ${y2 + tip}L${x2 + half} ${y2}Z`,
  };
}

/** Length of the point of an arrow, and half of its width, px. */
const tip = 7;
const half = 4;
