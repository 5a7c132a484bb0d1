/** Bundles of job files that a user has run before, in the folder of caches of that user. */
import type { BuildCache, KeptBuild } from "../../sdk/build/build-cache.ts";
import { remembered, stampOfFiles } from "../../worker/slot/remembered.ts";

/** Builds kept, the newest. */
const keptMax = 64;

export const keptBuilds: BuildCache = (name, find) =>
  remembered<KeptBuild>({
    name,
    folder: { name: "built", keptMax },
    stampOf: ({ files }) => stampOfFiles(files),
    find,
  });
