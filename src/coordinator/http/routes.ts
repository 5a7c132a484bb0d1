/** All routes; a call that is not here does not exist. */
import type { Route } from "./route.ts";
import { blobRoutes } from "./routes-blobs.ts";
import { clusterRoutes } from "./routes-cluster.ts";
import { jobRoutes } from "./routes-jobs.ts";
import { resultRoutes } from "./routes-results.ts";

export const routes: readonly Route[] = [
  ...clusterRoutes.filter(({ access }) => access === "none"),
  ...blobRoutes,
  ...jobRoutes,
  ...resultRoutes,
  ...clusterRoutes.filter(({ access }) => access !== "none"),
];
