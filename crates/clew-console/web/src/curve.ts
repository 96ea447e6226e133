// Arithmetic on a gain curve's points. The server spaces them so that straight lines between them err by less than 0.1 %.
import type { Point } from "./api";

const fields = ["share_of_customers", "expected_buyers", "low", "high", "share_of_buyers"] as const;

/** The curve at any volume, between its points by straight lines. */
export function at(points: Point[], volume: number): Point {
  const first = points[0] as Point;
  const after = points.findIndex((p) => p.volume >= volume);
  if (after === 0) return first;
  if (after < 0) return points[points.length - 1] as Point;
  const [a, b] = [points[after - 1] as Point, points[after] as Point];
  const t = (volume - a.volume) / (b.volume - a.volume);
  const mix = (x: number, y: number) => x + t * (y - x);
  const point: Point = { ...b, volume };
  for (const field of fields) point[field] = mix(a[field], b[field]);
  point.expected_revenue = a.expected_revenue != null && b.expected_revenue != null ? mix(a.expected_revenue, b.expected_revenue) : null;
  point.expected_profit = a.expected_profit != null && b.expected_profit != null ? mix(a.expected_profit, b.expected_profit) : null;
  point.lift = point.share_of_customers > 0 ? point.share_of_buyers / point.share_of_customers : b.lift;
  return point;
}

/** The smallest volume that reaches this share of all expected buyers. */
export function volumeFor(points: Point[], share: number): number {
  const after = points.findIndex((p) => p.share_of_buyers >= share);
  if (after <= 0) return (points[Math.max(after, 0)] as Point).volume;
  const [a, b] = [points[after - 1] as Point, points[after] as Point];
  const t = (share - a.share_of_buyers) / (b.share_of_buyers - a.share_of_buyers);
  return Math.ceil(a.volume + t * (b.volume - a.volume));
}

/** With the origin as its first point, as the drawing and the slider want it. */
export function fromOrigin(points: Point[]): Point[] {
  if (points[0]?.volume === 0) return points;
  const zero = { volume: 0, share_of_customers: 0, expected_buyers: 0, low: 0, high: 0, share_of_buyers: 0, lift: points[0]?.lift ?? 1, expected_revenue: 0, expected_profit: 0 };
  return [zero, ...points];
}
