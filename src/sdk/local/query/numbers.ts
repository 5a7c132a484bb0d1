/** Numbers of queries as the judge computes them: as fractions, however small or large. */
import { ClusterError } from "../../../core/error.ts";
import { type ExactNumber, exactNumber } from "../../../wire/block/decimal.ts";

/** `above` / 10^`places`. */
type Fraction = { readonly above: bigint; readonly places: number };

export function plus(a: ExactNumber, b: ExactNumber): ExactNumber {
  const [x, y] = [fraction(a), fraction(b)];
  const places = Math.max(x.places, y.places);
  return decimal(raised(x, places) + raised(y, places), places);
}

export function times(a: ExactNumber, b: ExactNumber): ExactNumber {
  const [x, y] = [fraction(a), fraction(b)];
  return decimal(x.above * y.above, x.places + y.places);
}

/** Null by 0. Exact when the quotient ends within 40 digits. */
export function over(a: ExactNumber, b: ExactNumber): ExactNumber | null {
  const [x, y] = [fraction(a), fraction(b)];
  const places = Math.max(x.places, y.places);
  const [above, below] = [raised(x, places), raised(y, places)];
  if (below === 0n) return null;
  const digits = (n: bigint) => `${n}`.replace("-", "").length;
  const more = Math.max(0, 40 + digits(below) - digits(above));
  const shifted = above * 10n ** BigInt(more);
  if (shifted % below === 0n) return decimal(shifted / below, more);
  // One digit more than any double decides.
  const sign = above < 0n !== below < 0n ? "-" : "";
  const whole = `${shifted / below}`.replace("-", "");
  return Number(`${sign}${whole}1e-${more + 1}`);
}

export function rest(a: ExactNumber, b: ExactNumber): ExactNumber | null {
  const [x, y] = [fraction(a), fraction(b)];
  const places = Math.max(x.places, y.places);
  const below = raised(y, places);
  return below === 0n ? null : decimal(raised(x, places) % below, places);
}

export function toPlaces(
  a: ExactNumber,
  places: number,
  way: "half" | "floor" | "ceil",
): ExactNumber {
  const { above, places: own } = fraction(a);
  if (own <= places) return a;
  const unit = 10n ** BigInt(own - places);
  const down = above >= 0n || above % unit === 0n ? above / unit : above / unit - 1n;
  const left = above - down * unit;
  if (left === 0n || way === "floor") return decimal(down, places);
  const isAbove = 2n * left > unit || (2n * left === unit && above > 0n);
  return decimal(way === "ceil" || isAbove ? down + 1n : down, places);
}

function fraction(a: ExactNumber): Fraction {
  const [mantissa = "", power = "0"] = `${a}`.split("e");
  const [whole = "", tail = ""] = mantissa.split(".");
  const places = tail.length - Number(power);
  const above = BigInt(whole + tail);
  return places >= 0 ? { above, places } : { above: above * 10n ** BigInt(-places), places: 0 };
}

function raised({ above, places }: Fraction, to: number): bigint {
  return above * 10n ** BigInt(to - places);
}

function decimal(above: bigint, places: number): ExactNumber {
  const isLong = `${above}`.length > 2000;
  const result = isLong ? null : exactNumber(`${above}e${-places}`);
  if (result !== null) return result;
  throw new ClusterError(
    "user-error",
    "a computed number is beyond ±1.8e308 or has too many digits",
  );
}
