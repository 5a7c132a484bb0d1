/** All planted bugs. */
import type { Mutant } from "./mutant.ts";
import { browserMutants } from "./planted/browsers.ts";
import { coordinatorMutants } from "./planted/coordinator.ts";
import { coreMutants } from "./planted/core.ts";
import { fileMutants } from "./planted/files.ts";
import { leadingMutants } from "./planted/leading.ts";
import { relayMutants } from "./planted/relay.ts";
import { shuffleMutants } from "./planted/shuffle.ts";
import { trustMutants } from "./planted/trust.ts";

export const mutants: readonly Mutant[] = [
  ...coreMutants,
  ...coordinatorMutants,
  ...browserMutants,
  ...leadingMutants,
  ...relayMutants,
  ...shuffleMutants,
  ...fileMutants,
  ...trustMutants,
];
