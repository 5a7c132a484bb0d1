/** The public API of programs that use a cluster: `tequio/client`. */
export { ClusterError, type ErrorCode } from "../core/error.ts";
export type { JobSummary, StageSummary, WorkerSummary } from "../core/summary.ts";
export type { FailedTask } from "../sdk/failed-tasks.ts";
export type { UploadProgress } from "../sdk/submit.ts";
export type { LogLine } from "../wire/api/messages.ts";
export type { AnyItems, Cluster, Inputs, MapOptions, Mapped, RunOptions } from "./cluster.ts";
export { connect, type LocalOptions, type RemoteOptions } from "./connect.ts";
export { CallFailed } from "./failure.ts";
export type { Result, ResultFile, SaveOptions } from "./result.ts";
export type { FollowSettings, Progress, ResultsSettings, RunningJob } from "./running-job.ts";
