// The gain curve as SVG: band, curve, the diagonal of a random audience, and the chosen volume.
import type { Point } from "./api";
import { axis, buyers, count, ticks } from "./format";

const width = 760, height = 400, left = 58, right = 16, top = 14, bottom = 44;

export function GainChart({ points, chosen, onChoose }: { points: Point[]; chosen: Point; onChoose: (volume: number) => void }) {
  const last = points[points.length - 1] as Point;
  const highest = Math.max(...points.map((p) => p.high), 1e-9);
  const x = (volume: number) => left + (volume / last.volume) * (width - left - right);
  const y = (n: number) => height - bottom - (n / highest) * (height - top - bottom);
  const line = (ps: Point[], value: (p: Point) => number) => ps.map((p) => `${x(p.volume).toFixed(1)},${y(value(p)).toFixed(1)}`).join(" ");
  const band = `${line(points, (p) => p.high)} ${line([...points].reverse(), (p) => p.low)}`;
  const choose = (event: PointerEvent) => {
    if (event.type === "pointermove" && event.buttons === 0) return;
    const box = (event.currentTarget as SVGElement).getBoundingClientRect();
    const share = (((event.clientX - box.left) / box.width) * width - left) / (width - left - right);
    onChoose(Math.round(Math.min(1, Math.max(0, share)) * last.volume));
  };
  return (
    <svg class="chart" viewBox={`0 0 ${width} ${height}`} role="img" onPointerDown={choose} onPointerMove={choose}
      aria-label={`Gain curve. Contacting ${count(chosen.volume)} customers reaches about ${buyers(chosen.expected_buyers)} of ${buyers(last.expected_buyers)} expected buyers.`}>
      {ticks(highest, 5).map((n) => (
        <g key={`y${n}`}>
          <line class="grid" x1={left} x2={width - right} y1={y(n)} y2={y(n)} />
          <text class="tick" x={left - 8} y={y(n) + 4} text-anchor="end">{axis(n)}</text>
        </g>
      ))}
      {ticks(last.volume, 6).map((n) => (
        <text key={`x${n}`} class="tick" x={x(n)} y={height - bottom + 18} text-anchor="middle">{axis(n)}</text>
      ))}
      <text class="axis" x={(left + width - right) / 2} y={height - 6} text-anchor="middle">customers contacted, best first</text>
      <text class="axis" x={14} y={(height - bottom + top) / 2} text-anchor="middle" transform={`rotate(-90 14 ${(height - bottom + top) / 2})`}>expected buyers</text>
      <polygon class="band" points={band} />
      <line class="random" x1={x(0)} y1={y(0)} x2={x(last.volume)} y2={y(last.expected_buyers)} />
      <polyline class="curve" points={line(points, (p) => p.expected_buyers)} />
      <line class="chosen" x1={x(chosen.volume)} x2={x(chosen.volume)} y1={y(0)} y2={y(chosen.expected_buyers)} />
      <line class="chosen" x1={left} x2={x(chosen.volume)} y1={y(chosen.expected_buyers)} y2={y(chosen.expected_buyers)} />
      <circle class="dot" cx={x(chosen.volume)} cy={y(chosen.expected_buyers)} r="6" />
    </svg>
  );
}
