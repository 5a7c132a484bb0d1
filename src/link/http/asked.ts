/** What a coordinator answers to the question whether it leads; runs anywhere. */

/** Addresses of one cluster. */
export const knownMax = 16;
/** Of one question, ms: by then a coordinator that is stopped has not answered. */
export const answerMs = 1_500;
export const healthPath = "/v1/health";

export type LeaderAnswer = {
  readonly leads: boolean;
  /** Its log lies in an engine: coordinators may be added. */
  readonly mayGrow: boolean;
  /** Addresses of coordinators, unchecked. */
  readonly named: readonly unknown[];
};
