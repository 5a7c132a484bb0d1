/** How much of one line's transfers travels at once: how many ranges, and how long each is, by what
 *  they bring. One connection rarely fills a far or lossy line, and many on a slow one only make
 *  each range late. Pure: the caller measures. */

export type Pace = {
  /** Ranges at once, 1 to `lanesMax`. */
  readonly lanes: number;
  /** Bytes of the next range: a power of two times `rangeMinBytes`, up to `rangeMaxBytes`. */
  readonly rangeBytes: number;
  /** Of the window that is being measured. */
  readonly window: {
    readonly sinceMs: number;
    readonly ranges: number;
    readonly bytes: number;
  };
  /** Best rate of a window, bytes/ms, and the lanes that brought it. */
  readonly best: { readonly bytesPerMs: number; readonly lanes: number };
  /** Windows since another number of lanes was last tried. */
  readonly heldFor: number;
  /** Whether the next try is of fewer. */
  readonly isFewerNext: boolean;
};

/** A range that has arrived. */
export type Arrived = {
  readonly atMs: number;
  readonly sizeBytes: number;
  /** From its request to its answer. */
  readonly tookMs: number;
};

export const lanesMax = 16;
/** The unit of all ranges, bytes. */
export const rangeMinBytes = 64 << 10;
export const rangeMaxBytes = 2 << 20;

const rangeAtFirstBytes = 256 << 10;
const lanesAtFirst = 4;
/** As soon as a range has arrived in a moderate time: a far line that loses packets needs them. */
const lanesSoon = 8;
const lanesMin = 2;
/** Shortest window, ms: below it a rate is noise. */
const windowMinMs = 400;
/** More lanes must bring this much more. */
const gain = 1.15;
/** Fewer must bring this much at least: they share what waits in the routers, and none is
 *  starved. */
const enough = 0.95;
/** After so many windows another number of lanes is tried: the line may be another. */
const tryAfter = 4;
/** A range takes about this long, ms: a cut costs no more than that of each lane, and who waits for
 *  the first of them waits no longer. */
const rangeShortMs = 300;
const rangeLongMs = 1_200;

export function startPace(atMs: number): Pace {
  return {
    lanes: lanesAtFirst,
    rangeBytes: rangeAtFirstBytes,
    window: { sinceMs: atMs, ranges: 0, bytes: 0 },
    best: { bytesPerMs: 0, lanes: lanesAtFirst },
    heldFor: 0,
    isFewerNext: true,
  };
}

/** The pace after a range was cut: nothing stays of it, so the next ones are shorter. */
export function shorterRanges(pace: Pace): Pace {
  return { ...pace, rangeBytes: Math.max(rangeMinBytes, pace.rangeBytes >> 1) };
}

/** The pace after one more range. */
export function paceAfter(pace: Pace, { atMs, sizeBytes, tookMs }: Arrived): Pace {
  const { sinceMs } = pace.window;
  const window = {
    sinceMs,
    ranges: pace.window.ranges + 1,
    bytes: pace.window.bytes + sizeBytes,
  };
  const isFirst = pace.best.bytesPerMs === 0 && pace.lanes < lanesSoon && tookMs < 2_500;
  const lanes = isFirst ? lanesSoon : pace.lanes;
  const rangeBytes = rangeAfter(pace.rangeBytes, sizeBytes, tookMs);
  const next = { ...pace, window, lanes, rangeBytes };
  const isWhole = window.ranges >= lanes && atMs - sinceMs >= windowMinMs;
  return isWhole ? withLanes(next, window.bytes / (atMs - sinceMs), atMs) : next;
}

function withLanes(pace: Pace, bytesPerMs: number, atMs: number): Pace {
  const begun = { ...pace, window: { sinceMs: atMs, ranges: 0, bytes: 0 } };
  const { best, heldFor, lanes } = pace;
  if (bytesPerMs >= best.bytesPerMs * gain) {
    const more = Math.min(lanesMax, lanes + Math.max(1, lanes >> 1));
    return { ...begun, lanes: more, best: { bytesPerMs, lanes }, heldFor: 0 };
  }
  // The rate that counts follows a line that has become slower.
  const rate = Math.max(bytesPerMs, best.bytesPerMs * 0.97);
  const isEnough = lanes < best.lanes && bytesPerMs >= best.bytesPerMs * enough;
  const held = { bytesPerMs: rate, lanes: isEnough ? lanes : best.lanes };
  const settled = { ...begun, best: held, lanes: held.lanes };
  if (heldFor < tryAfter) return { ...settled, heldFor: heldFor + 1 };
  const { isFewerNext } = pace;
  const tried = isFewerNext
    ? Math.max(lanesMin, held.lanes - Math.max(1, held.lanes >> 2))
    : Math.min(lanesMax, held.lanes + 1);
  return { ...settled, lanes: tried, heldFor: 0, isFewerNext: !isFewerNext };
}

function rangeAfter(rangeBytes: number, sizeBytes: number, tookMs: number): number {
  // The end of a file says nothing, nor does a range of an earlier length.
  if (sizeBytes !== rangeBytes) return rangeBytes;
  if (tookMs < rangeShortMs) return Math.min(rangeMaxBytes, rangeBytes * 2);
  return tookMs > rangeLongMs ? Math.max(rangeMinBytes, rangeBytes >> 1) : rangeBytes;
}
