/** Rules: no circle of imports between files (types included), none between rooms of a layer. */
import { posix } from "node:path";
import type { Finding } from "./finding.ts";
import { importsOf } from "./layers.ts";
import { parse, type Source } from "./sources.ts";

/** Layers whose rooms must have an order. */
const orderedLayers = ["coordinator", "worker", "peer", "sdk", "cli"];

type Graph = ReadonlyMap<string, ReadonlySet<string>>;

export function circleFindings(sources: readonly Source[]): Finding[] {
  const files = fileGraph(sources);
  const found = circlesOf(files).map((circle) => finding("import-circles", circle));
  for (const layer of orderedLayers) {
    const rooms = circlesOf(roomGraph(files, `src/${layer}/`));
    found.push(...rooms.map((circle) => finding("room-circles", circle)));
  }
  return found;
}

function finding(rule: string, circle: readonly string[]): Finding {
  const where = [...circle].sort().join(" ");
  return { rule, where, measured: circle.length, text: `a circle of imports: ${where}` };
}

function fileGraph(sources: readonly Source[]): Graph {
  const product = sources.filter(({ isTest }) => !isTest);
  const known = new Set(product.map(({ path }) => path));
  return new Map(
    product.map((source) => {
      const folder = posix.dirname(source.path);
      const targets = importsOf(parse(source)).map((target) => posix.join(folder, target));
      return [source.path, new Set(targets.filter((target) => known.has(target)))];
    }),
  );
}

/** A folder is a room; in one that has folders itself, each file is a room of its own. */
function roomGraph(files: Graph, layer: string): Graph {
  const inside = [...files.keys()].filter((path) => path.startsWith(layer));
  const folders = new Set(inside.map((path) => posix.dirname(path)));
  const roomOf = (path: string) => {
    const folder = posix.dirname(path);
    return [...folders].some((other) => other.startsWith(`${folder}/`)) ? path : folder;
  };
  const rooms = new Map<string, Set<string>>();
  for (const path of inside) {
    const room = roomOf(path);
    const targets = rooms.get(room) ?? new Set();
    rooms.set(room, targets);
    for (const target of files.get(path)!) {
      if (target.startsWith(layer) && roomOf(target) !== room) targets.add(roomOf(target));
    }
  }
  return rooms;
}

/** Strongly connected components of more than one node, by Tarjan's algorithm. */
function circlesOf(graph: Graph): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const open = new Set<string>();
  const circles: string[][] = [];
  const visit = (node: string): void => {
    const number = index.size;
    index.set(node, number);
    low.set(node, number);
    stack.push(node);
    open.add(node);
    for (const next of graph.get(node) ?? []) {
      if (!index.has(next)) visit(next);
      if (open.has(next)) low.set(node, Math.min(low.get(node)!, low.get(next)!));
    }
    if (low.get(node) !== number) return;
    const circle = stack.splice(stack.indexOf(node));
    for (const one of circle) open.delete(one);
    if (circle.length > 1) circles.push(circle);
  };
  for (const node of graph.keys()) if (!index.has(node)) visit(node);
  return circles;
}
