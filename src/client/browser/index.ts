/** The public API of web pages that use a cluster: `tequio/client/browser`. Built as one module
 *  without imports by `scripts/web/browser-client.ts`. */
export { ClusterError, type ErrorCode } from "../../core/error.ts";
export type { JobSummary, StageSummary, WorkerSummary } from "../../core/summary.ts";
export type { FailedTask } from "../../sdk/failed-tasks.ts";
export type { UploadProgress } from "../../sdk/submit.ts";
export type { LogLine } from "../../wire/api/messages.ts";
export type { AnyItems, JobOptions, MapOptions, Mapped } from "../connection.ts";
export { CallFailed } from "../failure.ts";
export type { Result, ResultFile } from "../result.ts";
export type { FollowSettings, Progress, ResultsSettings, RunningJob } from "../running-job.ts";
export { type Cluster, type ConnectOptions, connect, type RunOptions } from "./cluster.ts";
export { type Content, type Inputs, type Shared, shared } from "./inputs.ts";
