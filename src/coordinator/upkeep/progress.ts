/** The progress of a check, backup or restore: `done` of `total` in the units of its step. */
export type Progress = (step: "log" | "files" | "blobs", done: number, total: number) => void;
