/** All routes; a call that is not here does not exist. */

import { insightRoutes } from "../insight/routes.ts";
import { relayRoutes } from "../relay/routes.ts";
import { sharedInputRoutes } from "../sharing/inputs.ts";
import { memberRoutes } from "../sharing/routes-members.ts";
import { tabRoutes } from "../tracker/routes.ts";
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
  ...insightRoutes,
  ...relayRoutes,
  ...tabRoutes,
  ...memberRoutes,
  ...sharedInputRoutes,
  ...clusterRoutes.filter(({ access }) => access !== "none"),
];
