/** Exit codes by which a task process says why it ended itself; the supervisor makes a failure of
 *  them when no report came. Signals, and 134 (the engine ran out of memory), are the system's
 *  words for the rest. */

export const taskExits = {
  /** The channel to the supervisor closed: there is no supervisor left to work for. */
  channelClosed: 90,
  /** Job code called `process.exit` or stopped the event loop's work; `user-error`. */
  exitCalled: 91,
  /** Job code threw where no caller could catch it: in a timer, in a stream; `user-error`. */
  uncaughtException: 92,
  /** A promise of job code was rejected and was not awaited; `user-error`. */
  unhandledRejection: 93,
  /** The input pipe brought what is no frame, or ended; the supervisor's fault or its death. */
  inputBroken: 94,
  /** A law of the task process itself does not hold: a bug of ours. */
  broken: 95,
} as const;

/** Argument of a task process that the system ends together with its supervisor, whatever it does:
 *  by the launcher, or as the first process of a namespace. */
export const endsWithParent = "ends-with-parent";

export type TaskExit = keyof typeof taskExits;

/** The name of an exit code, or null when it is none of ours. */
export function taskExitName(code: number | null): TaskExit | null {
  for (const [name, value] of Object.entries(taskExits)) {
    if (value === code) return name as TaskExit;
  }
  return null;
}
