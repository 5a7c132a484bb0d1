/** The lines of a batch script of Slurm that read when its job ends: the worker leaves before,
 *  since a job that reaches its limit is killed with what it runs. */

/** Before the end: for the last reports, and for removing the worker's folder, s. */
const headS = 10;
/** Shorter lifetimes are no time to join in, s. */
const leastS = 4;

export type Leave = {
  readonly drainS: number;
  /** Leave by then, limit or not; null = only the limit counts. */
  readonly lifetimeS: number | null;
};

/** Sets `leave` to words for `join`, none without a limit. The limit may be the partition's own, so
 *  that nothing but the running job knows it. Newer versions of Slurm have it in the environment;
 *  clocks of a node and of the controller differ, but it is never more than the whole of it. */
export function walltimeScript({ drainS, lifetimeS }: Leave): string {
  const own = lifetimeS === null ? [] : [`  [ $left -le ${lifetimeS} ] || left=${lifetimeS}`];
  return [
    "leave=",
    'if [ -n "$SLURM_JOB_END_TIME" ] && [ -n "$SLURM_JOB_START_TIME" ]; then',
    "  left=$((SLURM_JOB_END_TIME - $(date +%s)))",
    "  whole=$((SLURM_JOB_END_TIME - SLURM_JOB_START_TIME))",
    "  [ $left -le $whole ] || left=$whole",
    "else",
    '  job="$SLURM_ARRAY_JOB_ID"_"$SLURM_ARRAY_TASK_ID"',
    `  left=$(squeue --noheader --jobs="$job" --format=%L | awk -F'[-:]' '/^[0-9:-]+$/ {`,
    '    split("1 60 3600 86400", unit, " ")',
    "    for (at = 0; at < NF; at++) s += $(NF - at) * unit[at + 1]",
    "    print s; exit }')",
    "fi",
    'if [ -n "$left" ]; then',
    `  left=$((left - ${headS}))`,
    ...own,
    `  [ $left -ge ${leastS} ] || left=${leastS}`,
    `  drain=${drainS}`,
    // `join` refuses a lifetime that is no longer than two drains.
    "  [ $((2 * drain)) -le $left ] || drain=$((left / 2))",
    '  leave="--lifetime "$left"s --drain "$drain"s"',
    "fi",
  ].join("\n");
}
