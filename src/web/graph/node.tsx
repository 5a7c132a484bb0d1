/** A node of a job's graph: an input, a stage with its progress, or the result. */
import type { ComponentChildren } from "preact";
import type { JobSummary, StageSummary } from "../../core/summary.ts";
import type { GraphNode } from "../../wire/api/graph.ts";
import { bytesText, countText } from "../i18n/amounts.ts";
import { say, useMessages } from "../i18n/language.ts";
import { stageName } from "../job/stage-name.ts";
import { jobMessages } from "../jobs/messages.ts";
import { graphMessages } from "./messages.ts";
import { type NodeState, resultState, stageState } from "./states.ts";

/** Steps of a stage that are shown; the others are counted. */
const stepsShown = 4;

type Of<K extends GraphNode["kind"]> = Extract<GraphNode, { kind: K }>;
type Props<N> = { readonly node: N; readonly job: JobSummary; readonly reads: string };

export function nodeName(node: GraphNode, { stages }: JobSummary): string {
  if (node.kind === "result") return say(graphMessages, "result");
  if (node.kind === "input") return node.name || say(graphMessages, "input");
  const kinds = stages.map(({ kind }) => kind);
  return stageName(kinds, node.stage);
}

export function Node({ job, node, reads }: Props<GraphNode>) {
  if (node.kind === "input") return <Input node={node} job={job} reads={reads} />;
  if (node.kind === "result") return <Result node={node} job={job} reads={reads} />;
  const stage = job.stages[node.stage];
  return stage === undefined ? null : <Stage {...{ job, node, reads, stage }} />;
}

type FrameProps = Props<GraphNode> & {
  readonly state: NodeState | null;
  /** Of the bar beside its name. */
  readonly kind: string;
  readonly children: ComponentChildren;
};

function Frame({ children, job, kind, node, reads, state }: FrameProps) {
  const tell = useMessages(graphMessages);
  return (
    <li class={`node ${kind} ${state ?? ""}`} data-node={node.id}>
      <div class="row tight">
        <strong>{nodeName(node, job)}</strong>
        <span class="stretch" />
        {state === null ? null : <span class={`chip ${state}`}>{tell(state)}</span>}
      </div>
      {reads === "" ? null : <span class="hidden">{tell("reads", { names: reads })}</span>}
      {children}
    </li>
  );
}

function Input({ job, node, reads }: Props<Of<"input">>) {
  const tell = useMessages(graphMessages);
  const { files, name, sizeBytes, tasks } = node;
  return (
    <Frame {...{ node, job, reads }} kind="input" state={null}>
      {name === "" ? null : <span class="quiet small">{tell("input")}</span>}
      <span class="quiet small number">
        {tell("files", { n: files, bytes: bytesText(sizeBytes) })}
      </span>
      <span class="quiet small number">{tell("readBy", { n: tasks })}</span>
    </Frame>
  );
}

function Stage({ job, node, reads, stage }: Props<Of<"stage">> & { stage: StageSummary }) {
  const tell = useMessages(graphMessages);
  const tellJob = useMessages(jobMessages);
  const { done, kind, running, taskCount } = stage;
  const part = (n: number) => `${(100 * n) / Math.max(1, taskCount)}%`;
  const more = node.steps.length - stepsShown;
  return (
    <Frame {...{ node, job, reads }} kind={kind} state={stageState(job, stage)}>
      <span class="number small">
        {tellJob("tasksDone", { done: countText(done), all: countText(taskCount) })}
      </span>
      <div class={`bar ${kind}`} aria-hidden="true">
        <i class="done" style={{ width: part(done) }} />
        <i class="running" style={{ width: part(running) }} />
      </div>
      {node.steps.length === 0 ? null : (
        <ul class="steps quiet small">
          {node.steps.slice(0, stepsShown).map((step, at) => (
            <li key={at}>{step}</li>
          ))}
          {more > 0 ? <li>{tell("steps", { n: more })}</li> : null}
        </ul>
      )}
    </Frame>
  );
}

function Result({ job, node, reads }: Props<Of<"result">>) {
  const tell = useMessages(graphMessages);
  const last = job.stages.at(-1);
  const hasSome = last !== undefined && last.outputRecords > 0;
  return (
    <Frame {...{ node, job, reads }} kind="result" state={resultState(job)}>
      {hasSome ? (
        <>
          <span class="quiet small number">{tell("records", { n: last.outputRecords })}</span>
          <span class="quiet small number">{bytesText(last.outputBytes)}</span>
        </>
      ) : null}
    </Frame>
  );
}
