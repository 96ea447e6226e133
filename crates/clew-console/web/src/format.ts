// Numbers as a marketer reads them.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

/** 12,345 */
export const count = (n: number) => whole.format(Math.round(n));

/** A number of buyers: one decimal while there are few. */
export const buyers = (n: number) => (n < 10 ? n.toFixed(1) : count(n));

/** 38 % of a 0..1 share; one decimal below 10 %. */
export const percent = (share: number) => `${share > 0 && share < 0.0995 ? (100 * share).toFixed(1) : Math.round(100 * share)} %`;

/** Axis labels: 12K, 1.2M. */
export const axis = (n: number) => short.format(n);

export function money(amount: number, currency?: string | null): string {
  const style = currency ? { style: "currency" as const, currency } : {};
  return new Intl.NumberFormat("en", { ...style, maximumFractionDigits: 0 }).format(amount);
}

/** Round steps (1, 2 or 5 times a power of ten) that divide 0..top into about `wanted` parts. */
export function ticks(top: number, wanted: number): number[] {
  if (!(top > 0)) return [0];
  const rough = top / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough) ?? rough;
  return Array.from({ length: Math.floor(top / step + 1e-9) + 1 }, (_, i) => i * step);
}
