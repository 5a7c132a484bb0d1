/** What a command of a story is. */
import type { Effect } from "../../src/core/effect.ts";
import type { StoryCluster } from "./cluster.ts";

/** What a command brought about, in order: effects, sentences, or the time that has passed since
 *  the command began, in ms. */
export type Happened = ReadonlyArray<readonly Effect[] | string | number>;

/** The whole line must match; `found` are the groups of the pattern. */
export type Command = readonly [
  pattern: RegExp,
  run: (cluster: StoryCluster, found: readonly (string | undefined)[]) => Happened,
];
