/** All routes; a call that is not here does not exist. */

import type { Route } from "../route.ts";
import { blobRoutes } from "./blobs.ts";
import { clusterRoutes } from "./cluster.ts";
import { glanceRoutes } from "./glance.ts";
import { insightRoutes } from "./insight.ts";
import { jobRoutes } from "./jobs.ts";
import { memberRoutes } from "./members.ts";
import { profileRoutes } from "./profiles.ts";
import { programRoutes } from "./programs.ts";
import { relayRoutes } from "./relay.ts";
import { resultRoutes } from "./results.ts";
import { sharedInputRoutes } from "./shared-inputs.ts";
import { storedRoutes } from "./stored.ts";
import { tabRoutes } from "./tabs.ts";
import { uploadRoutes } from "./uploads.ts";

export const routes: readonly Route[] = [
  ...clusterRoutes.filter(({ access }) => access === "none"),
  ...blobRoutes,
  ...uploadRoutes,
  ...jobRoutes,
  ...resultRoutes,
  ...insightRoutes,
  ...profileRoutes,
  ...glanceRoutes,
  ...relayRoutes,
  ...storedRoutes,
  ...tabRoutes,
  ...programRoutes,
  ...memberRoutes,
  ...sharedInputRoutes,
  ...clusterRoutes.filter(({ access }) => access !== "none"),
];
