/** The tables of a job's database, exactly as the protocol has them: all columns are text. */
export const tables = {
  block: ["block_id", "state", "phase", "worker_ip", "worker_port"],
  slices_url: ["slice_url", "block_id"],
  result_url: ["result_url"],
  block_result: ["block_id", "result_url"],
  job: [
    "job_id",
    "tracker_ip_ping",
    "tracker_port_ping",
    "answer_ip",
    "answer_port",
    "status_phase",
    "map_data_url",
    "result_url",
    "job_state",
    "data_type",
  ],
} as const;

export type TableName = keyof typeof tables;

/** How many of the first columns are the primary key. */
export const keyColumns: Readonly<Record<TableName, number>> = {
  block: 1,
  slices_url: 1,
  result_url: 1,
  block_result: 2,
  job: 1,
};

export function isTable(name: string): name is TableName {
  return Object.hasOwn(tables, name);
}
