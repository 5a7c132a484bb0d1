/** Layers and edges of a job's graph. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { GraphNode } from "../../wire/api/graph.ts";
import { edgeBetween, isWorthDrawing, layersOf } from "./layers.ts";

const input = (id: string): GraphNode => {
  return { id, kind: "input", reads: [], name: id, files: 1, sizeBytes: 1, tasks: 1 };
};
const stage = (id: string, stage: number, ...reads: string[]): GraphNode => {
  return { id, kind: "stage", reads, stage, steps: [] };
};
const idsOf = (nodes: readonly GraphNode[]) =>
  layersOf(nodes).map((layer) => layer.map(({ id }) => id));

test("what reads two inputs is behind both, and each stage behind what it reads", () => {
  const result: GraphNode = { id: "result", kind: "result", reads: ["c"] };
  const nodes = [
    input("left"),
    input("right"),
    stage("a", 0, "left", "right"),
    stage("b", 1, "a"),
    stage("c", 2, "b", "right"),
    result,
  ];
  assert.deepEqual(idsOf(nodes), [["left", "right"], ["a"], ["b"], ["c"], ["result"]]);
});

test("one list of tasks is not drawn, a join of two inputs in one task is", () => {
  assert.equal(isWorthDrawing([stage("a", 0)]), false);
  assert.equal(isWorthDrawing([input("only"), stage("a", 0, "only")]), false);
  assert.equal(isWorthDrawing([input("left"), input("right"), stage("a", 0)]), true);
  assert.equal(isWorthDrawing([stage("a", 0), stage("b", 1, "a")]), true);
});

test("edges go to the right, or down where nodes are stacked", () => {
  const box = { left: 0, top: 0, width: 100, height: 40 };
  const beside = edgeBetween(box, { ...box, left: 150, top: 60 });
  assert.equal(beside.line, "M100 20C121.5 20 121.5 80 143 80");
  assert.equal(beside.arrow, "M143 76L150 80L143 84Z");
  const below = edgeBetween(box, { ...box, top: 80 });
  assert.equal(below.line, "M50 40C50 56.5 50 56.5 50 73");
});
