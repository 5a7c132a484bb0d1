/** A small chart without axes: how a number went lately. */

const width = 240;
const height = 40;

/** The line's points and the area below it, as SVG paths. Values are from 0; `least` of the top
 *  keeps a quiet cluster from looking busy. */
export function sparkPath(
  values: readonly number[],
  least: number,
): { readonly line: string; readonly area: string } {
  if (values.length < 2) return { line: "", area: "" };
  const most = values.reduce((top, value) => Math.max(top, value), least);
  const points = values.map((value, at) => {
    const x = (at * width) / (values.length - 1);
    const y = height - 1 - (value / most) * (height - 3);
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  const line = `M${points.join("L")}`;
  return { line, area: `${line}L${width} ${height}L0 ${height}Z` };
}

export function Spark({ label, values }: { label: string; values: readonly number[] }) {
  const { area, line } = sparkPath(values, 1);
  return (
    <svg
      class="spark"
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <path class="area" d={area} />
      <path class="line" d={line} />
    </svg>
  );
}
