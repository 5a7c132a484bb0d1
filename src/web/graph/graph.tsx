/** A job as the graph that it is: inputs, stages with their progress, and the result, with an arrow
 *  to each node from those that it reads. Beside each other where there is room, else stacked. */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { JobSummary } from "../../core/summary.ts";
import type { GraphNode, JobGraph } from "../../wire/api/graph.ts";
import { useMessages } from "../i18n/language.ts";
import { type Box, edgeBetween, isWorthDrawing, layersOf } from "./layers.ts";
import { graphMessages } from "./messages.ts";
import { Node, nodeName } from "./node.tsx";

/** More are stacked, however wide the page is. */
const besideMax = 5;

type Edge = ReturnType<typeof edgeBetween>;

export function StageGraph({ graph, job }: { graph: JobGraph | null; job: JobSummary }) {
  if (graph === null || !isWorthDrawing(graph.nodes)) return null;
  return <Drawn graph={graph} job={job} />;
}

function Drawn({ graph, job }: { graph: JobGraph; job: JobSummary }) {
  const say = useMessages(graphMessages);
  const drawing = useRef<HTMLDivElement>(null);
  const edges = useEdges(drawing, graph.nodes);
  const layers = layersOf(graph.nodes);
  const names = new Map(graph.nodes.map((node) => [node.id, nodeName(node, job)]));
  const readsOf = ({ reads }: GraphNode) => reads.map((id) => names.get(id) ?? id).join(", ");
  return (
    <section class="panel" aria-labelledby="graph-title">
      <header>
        <h2 id="graph-title">{say("title")}</h2>
      </header>
      <div class="body">
        <div ref={drawing} class={`graph ${layers.length > besideMax ? "stacked" : ""}`}>
          <svg aria-hidden="true">
            {edges.map(({ arrow, line }) => (
              <g key={line}>
                <path class="edge" d={line} />
                <path class="arrow" d={arrow} />
              </g>
            ))}
          </svg>
          {layers.map((layer, at) => (
            <ul key={at} class="layer">
              {layer.map((node) => (
                <Node key={node.id} node={node} job={job} reads={readsOf(node)} />
              ))}
            </ul>
          ))}
        </div>
      </div>
    </section>
  );
}

/** Between the nodes as they lie on the page; drawn again when they move. */
function useEdges(
  drawing: { readonly current: HTMLDivElement | null },
  nodes: readonly GraphNode[],
): readonly Edge[] {
  const [edges, draw] = useState<readonly Edge[]>([]);
  useLayoutEffect(() => {
    const element = drawing.current;
    if (element === null) return;
    const measure = () => draw(edgesIn(element, nodes));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    for (const node of element.querySelectorAll("[data-node]")) observer.observe(node);
    return () => observer.disconnect();
  }, [drawing, nodes]);
  return edges;
}

function edgesIn(element: HTMLElement, nodes: readonly GraphNode[]): Edge[] {
  const boxes = new Map<string, Box>();
  for (const node of element.querySelectorAll<HTMLElement>("[data-node]")) {
    const { offsetHeight: height, offsetLeft: left, offsetTop: top, offsetWidth: width } = node;
    boxes.set(node.dataset.node ?? "", { left, top, width, height });
  }
  return nodes.flatMap(({ id, reads }) =>
    reads.flatMap((read): Edge[] => {
      const [from, to] = [boxes.get(read), boxes.get(id)];
      return from === undefined || to === undefined ? [] : [edgeBetween(from, to)];
    }),
  );
}
