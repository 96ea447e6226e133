// One offer's gain curve: the drawing, the volume slider, the sentence and the figures at that volume.
import { useState } from "preact/hooks";
import type { GainCurve } from "./api";
import { at, fromOrigin, volumeFor } from "./curve";
import { buyers, count, money, percent } from "./format";
import { GainChart } from "./GainChart";

const shares = [0.5, 0.7, 0.9];

export function GainCurveView({ curve, currency }: { curve: GainCurve; currency?: string | null }) {
  const points = fromOrigin(curve.points);
  const total = points[points.length - 1]?.volume ?? 0;
  const [volume, setVolume] = useState(() => volumeFor(points, 0.7));
  if (total === 0) return <p class="notice">Nobody is left to contact: the rules or the segment refuse every customer.</p>;
  const point = at(points, Math.min(volume, total));
  return (
    <section aria-label="Gain curve">
      <GainChart points={points} chosen={point} onChoose={setVolume} />
      <p class="legend"><span class="key-curve">expected buyers</span><span class="key-band">8 times in 10 within</span><span class="key-random">a random audience</span></p>
      <label class="slider">
        <span>Volume: <strong>{count(point.volume)}</strong> of {count(total)} customers</span>
        <input type="range" min="0" max={total} step="1" value={point.volume} onInput={(e) => setVolume(Number(e.currentTarget.value))} />
      </label>
      <p class="named">
        {shares.map((share) => <button key={share} type="button" onClick={() => setVolume(volumeFor(points, share))}>{percent(share)} of the buyers</button>)}
      </p>
      <p class="sentence" aria-live="polite">
        <strong>{percent(point.share_of_buyers)} of the buyers with {percent(point.share_of_customers)} of the messages</strong>: {count(point.volume)} customers contacted,
        about {buyers(point.expected_buyers)} buyers (8 times in 10 between {buyers(point.low)} and {buyers(point.high)}),
        {" "}{point.lift.toFixed(1)} times as many as a random audience of that size.
      </p>
      <dl class="figures">
        {point.expected_revenue != null && <div><dt>expected revenue</dt><dd>{money(point.expected_revenue, currency)}</dd></div>}
        {point.expected_profit != null && <div><dt>expected profit</dt><dd>{money(point.expected_profit, currency)}</dd></div>}
      </dl>
      {(curve.warnings ?? []).map((warning) => <p key={warning} class="notice">{warning}</p>)}
    </section>
  );
}
