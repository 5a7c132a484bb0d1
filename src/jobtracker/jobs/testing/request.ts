/** The JOB of a client, for tests: its job is `j`, and its files are where clients put them. */
import type { JobRequest } from "../../../wire/filesystem/jobs.ts";

export const jobRequest: Omit<JobRequest, "client"> = {
  jobId: "j",
  jobUrl: "./j",
  functionsUrl: "j/functions.py",
  dataUrl: "j/map_data",
  databaseUrl: "j/database.sqlite3",
  dataType: "text",
};
