/** Modules for existing workers, which show no token when they fetch: the key in the path opens one
 *  job's module while that job runs. */
import { ClusterError } from "../../../../core/error.ts";
import { asJobId } from "../../../services.ts";
import { bytesAnswer } from "../ranges.ts";
import type { Route } from "../route.ts";

export const programRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/programs/:job/:ticket",
    access: "ticket",
    exchange: "→ the WebAssembly module of the job",
    async handle({ params, services }) {
      const { blobs, programs } = services;
      const hash = programs.moduleAt(asJobId(params.job), params.ticket ?? "");
      if (hash === null) throw new ClusterError("not-found", "no program is there, or no more");
      const sizeBytes = (await blobs.size(hash)) ?? 0;
      return bytesAnswer(sizeBytes, null, () => blobs.read(hash));
    },
  },
];
