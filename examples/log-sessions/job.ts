/** Sums up each user's visit from a log of page views, and counts what is no page view. */
import { count, type Emit, mapReduce, ndjson } from "tequio";

type View = {
  readonly user: string;
  readonly at: string;
  readonly ms: number;
  readonly page: string;
};
type Session = { views: number; ms: number; first: string; last: string };

export default mapReduce({
  name: "log sessions",
  input: ndjson<View>(),
  map(view, emit: Emit<string, Session>) {
    if (typeof view.user !== "string") {
      count("views without a user");
      return;
    }
    emit(view.user, { views: 1, ms: view.ms, first: view.at, last: view.at });
  },
  combine: (a, b) => ({
    views: a.views + b.views,
    ms: a.ms + b.ms,
    first: a.first < b.first ? a.first : b.first,
    last: a.last > b.last ? a.last : b.last,
  }),
  reduce(_user, sessions) {
    for (const { views, ms, first, last } of sessions) {
      return { views, meanMs: Math.round(ms / views), first, last };
    }
    return undefined;
  },
  // A line that is no JSON is kept aside with its file and byte offset, and does not end the job.
  badRecords: "keep",
});
