/** Makes this realm the environment of job code: what a task process, a task's Worker in a tab, the
 *  sequential judge and the page's "Try it" have in common. Remaining differences are listed in
 *  docs/environment.md. */
import { evenGlobals } from "./globals.ts";
import { useMath } from "./math/functions.ts";
import { pinBuffers } from "./pins/buffers.ts";
import { evenCrypto, refuseChance } from "./pins/chance.ts";
import { restoreClock, useClock } from "./pins/clock.ts";
import { pinLocale } from "./pins/locale.ts";
import { lockMethods } from "./pins/methods.ts";
import { pinZone } from "./pins/zone.ts";
import { startRandom, useRandom } from "./random.ts";
import { trackTimers } from "./strays.ts";

/** Options of a job that say what its environment is. */
export type EnvironmentOptions = {
  readonly math?: "exact" | "native";
  readonly seed?: number | string;
  /** Default "frozen". */
  readonly clock?: "frozen" | "real";
};

/** What the job's code has around it that the code itself does not say; see `JobEnvironment`. */
export type Around = { readonly frozenAtMs?: number; readonly refusesChance?: true };

/** Language, time zone, `crypto`, memory of `Buffer` and shared methods: to be set before job code
 *  is loaded, for the life of the realm. */
export function pinRealm(): void {
  pinZone();
  pinLocale();
  evenCrypto();
  pinBuffers();
  lockMethods();
}

/** Everything, for a realm that runs only job code from now on. */
export function installEnvironment(): void {
  pinRealm();
  evenGlobals({ isForGood: true });
  trackTimers();
  useEnvironment({});
  startRandom("", "load", 0);
}

/** Before the code of a job is loaded, which may look at the time at its top. */
export function surround({ frozenAtMs, refusesChance }: Around): void {
  useClock(frozenAtMs ?? null);
  refuseChance(refusesChance === true);
}

/** Applies the options of the job, once they are known. */
export function useEnvironment({ clock, math, seed }: EnvironmentOptions): void {
  if (clock === "real") useClock(null);
  useMath(math ?? "exact");
  useRandom("seeded");
  ofJob = seed === undefined ? "" : String(seed);
}

/** Restores the engine's own `Math` and clock, in a realm that also does other things. */
export function restoreEngine(): void {
  restoreClock();
  refuseChance(false);
  useMath("native");
  useRandom("native");
}

let ofJob = "";

/** A task begins: what `Math.random` returns depends on nothing before. Stages: `map`, `reduce`,
 *  `run`. */
export function beginTask(stage: "map" | "reduce" | "run", task: number): void {
  startRandom(ofJob, stage, task);
}
