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
    /** It begins when so many more ranges have arrived: they began before it, on other lanes, and
     *  what they bring within it was sent before it. */
    readonly awaited: number;
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

/** On a lossy line one lane brings 100 KB/s: a reader waits for the first range of each. */
const rangeAtFirstBytes = rangeMinBytes;
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
/** How far the rate that counts follows a lower one. */
const follow = 0.3;
/** After so many windows another number of lanes is tried: the line may be another. */
const tryAfter = 4;
/** A range takes about this long, ms: a cut costs no more than that of each lane, and a reader that
 *  waits for the first of them waits no longer. All lanes together hold that much of the line, so
 *  with more of them each range is shorter: sixteen of 1 MiB were 2.7 s of a line of 50 Mbit/s, in
 *  which no part of an input was whole. */
const rangeShortMs = 300;
const rangeLongMs = 1_200;

export function startPace(atMs: number): Pace {
  return {
    lanes: lanesAtFirst,
    rangeBytes: rangeAtFirstBytes,
    window: windowFrom(atMs, 0),
    best: { bytesPerMs: 0, lanes: lanesAtFirst },
    heldFor: 0,
    isFewerNext: true,
  };
}

/** The pace after a range was cut: nothing stays of it, so the next ones are shorter. */
export function shorterRanges(pace: Pace): Pace {
  return { ...pace, rangeBytes: Math.max(rangeMinBytes, pace.rangeBytes >> 1) };
}

function windowFrom(sinceMs: number, awaited: number): Pace["window"] {
  return { sinceMs, ranges: 0, bytes: 0, awaited };
}

function windowAfter({ awaited, ...of }: Pace["window"], { atMs, sizeBytes }: Arrived) {
  if (awaited > 0) return windowFrom(atMs, awaited - 1);
  return { ...of, ranges: of.ranges + 1, bytes: of.bytes + sizeBytes, awaited };
}

/** The pace after one more range. */
export function paceAfter(pace: Pace, arrived: Arrived): Pace {
  const { atMs, sizeBytes, tookMs } = arrived;
  const window = windowAfter(pace.window, arrived);
  const { sinceMs } = window;
  const isFirst = pace.best.bytesPerMs === 0 && pace.lanes < lanesSoon && tookMs < 2_500;
  const rangeBytes = rangeAfter(pace.rangeBytes, sizeBytes, tookMs);
  const same = { ...pace, window, rangeBytes };
  const next = isFirst ? onLanes(same, lanesSoon) : same;
  const { lanes } = next;
  const isWhole = window.ranges >= lanes && atMs - sinceMs >= windowMinMs;
  return isWhole ? withLanes(next, window.bytes / (atMs - sinceMs), atMs) : next;
}

function withLanes(pace: Pace, bytesPerMs: number, atMs: number): Pace {
  const begun = { ...pace, window: windowFrom(atMs, 0) };
  const { best, heldFor, lanes } = pace;
  if (bytesPerMs >= best.bytesPerMs * gain) {
    return { ...onLanes(begun, moreThan(lanes)), best: { bytesPerMs, lanes }, heldFor: 0 };
  }
  // The rate that counts follows a line that has become slower.
  const rate = Math.max(bytesPerMs, best.bytesPerMs - (best.bytesPerMs - bytesPerMs) * follow);
  const isEnough = lanes < best.lanes && bytesPerMs >= best.bytesPerMs * enough;
  // A number that was only tried says nothing about what the other one brings.
  const kept = lanes === best.lanes || isEnough ? rate : best.bytesPerMs;
  const held = { bytesPerMs: kept, lanes: isEnough ? lanes : best.lanes };
  const settled = { ...onLanes(begun, held.lanes), best: held };
  if (heldFor < tryAfter) return { ...settled, heldFor: heldFor + 1 };
  const { isFewerNext } = pace;
  const tried = isFewerNext
    ? Math.max(lanesMin, held.lanes - Math.max(1, held.lanes >> 2))
    : moreThan(held.lanes);
  return { ...onLanes(settled, tried), heldFor: 0, isFewerNext: !isFewerNext };
}

/** So many more that they can bring the gain. */
function moreThan(lanes: number): number {
  return Math.min(lanesMax, lanes + Math.max(1, lanes >> 1));
}

/** On so many lanes from now on: when they are more, each has a smaller part of the line. */
function onLanes(pace: Pace, lanes: number): Pace {
  let { rangeBytes } = pace;
  const fittingBytes = (rangeBytes * pace.lanes) / lanes;
  while (rangeBytes > rangeMinBytes && rangeBytes > fittingBytes) rangeBytes >>= 1;
  if (lanes === pace.lanes) return pace;
  const window = windowFrom(pace.window.sinceMs, pace.lanes);
  return { ...pace, lanes, rangeBytes, window };
}

function rangeAfter(rangeBytes: number, sizeBytes: number, tookMs: number): number {
  // The end of a file says nothing, nor does a range of an earlier, shorter length.
  if (sizeBytes < rangeBytes) return rangeBytes;
  // One of an earlier, longer length says how long the next ones would take at least.
  if ((tookMs * rangeBytes) / sizeBytes > rangeLongMs) {
    return Math.max(rangeMinBytes, rangeBytes >> 1);
  }
  const isShort = sizeBytes === rangeBytes && tookMs < rangeShortMs;
  return isShort ? Math.min(rangeMaxBytes, rangeBytes * 2) : rangeBytes;
}
