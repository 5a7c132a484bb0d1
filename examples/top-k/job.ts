/** The k hottest readings of every station, and of all of them. */
import { csv, type Emit, mapReduce } from "tequio";

type Reading = { readonly station: string; readonly year: string; readonly celsius: string };
type Hot = readonly [celsius: number, year: number, station: string];

/** The longest list that a job can be asked for: lists of this length travel. */
const kMax = 100;

function hotter(a: Hot, b: Hot): number {
  return b[0] - a[0] || a[1] - b[1] || (a[2] < b[2] ? -1 : a[2] > b[2] ? 1 : 0);
}

export default mapReduce({
  name: "top k",
  params: { k: 3 },
  input: csv<Reading>(),
  map({ station, year, celsius }, emit: Emit<string, Hot[]>) {
    const reading: Hot = [Number(celsius), Number(year), station];
    emit(station, [reading]);
    emit("(all)", [reading]);
  },
  // Never more than `kMax` of each key travel, however many readings there are.
  combine: (a, b) => [...a, ...b].sort(hotter).slice(0, kMax),
  reduce(_station, lists, { params }) {
    return [...lists].flat().sort(hotter).slice(0, Math.min(params.k, kMax));
  },
  sort: "descending",
});
