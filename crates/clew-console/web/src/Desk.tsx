// The signed-in page: pick an offer, see whom to contact.
import { useCallback, useEffect, useState } from "preact/hooks";
import { Api, type GainCurve, type Offer, Problem, type Tenant, type Warning } from "./api";
import { GainCurveView } from "./GainCurveView";
import { type Chosen, OfferPicker } from "./OfferPicker";

type State = { kind: "idle" } | { kind: "drawing" } | { kind: "drawn"; curve: GainCurve; serial: number } | { kind: "failed"; problem: Problem };

let serial = 0;

export function Desk({ api, onSignOut }: { api: Api; onSignOut: () => void }) {
  const [tenant, setTenant] = useState<Tenant | null>(null);
  const [offers, setOffers] = useState<Offer[] | null>(null);
  const [warnings, setWarnings] = useState<Warning[]>([]);
  const [selected, setSelected] = useState("");
  const [state, setState] = useState<State>({ kind: "idle" });

  const fail = useCallback((error: unknown) => {
    const problem = error instanceof Problem ? error : new Problem(0, "Fault", String(error), [], "");
    if (problem.status === 401) onSignOut();
    else setState({ kind: "failed", problem });
  }, [onSignOut]);

  const draw = useCallback(async (chosen: Chosen, id: string) => {
    const mine = ++serial;
    setSelected(id);
    setState({ kind: "drawing" });
    try {
      const curve = await api.gainCurve(chosen);
      if (mine === serial) setState({ kind: "drawn", curve, serial: mine });
    } catch (error) {
      if (mine === serial) fail(error);
    }
  }, [api, fail]);

  useEffect(() => {
    Promise.all([api.tenant(), api.offers()]).then(([t, os]) => {
      setTenant(t);
      setOffers(os);
      const first = os[0];
      if (first) void draw({ offer_id: first.id }, first.id);
    }).catch(fail);
    // Beside the curve: without them, it is still worth showing.
    api.data().then((data) => setWarnings(data.warnings)).catch(() => setWarnings([]));
  }, [api, draw, fail]);

  return (
    <>
      <header>
        <span class="brand">clew</span>
        <span>{tenant?.name ?? ""}</span>
        <nav><a href="/docs">API</a><button type="button" class="plain" onClick={onSignOut}>Sign out</button></nav>
      </header>
      <main>
        <h1>Whom do we contact?</h1>
        {offers !== null && <OfferPicker offers={offers} selected={selected} onChoose={draw} />}
        {state.kind === "drawing" && <p class="notice" role="status">Working it out…</p>}
        {state.kind === "failed" && <Fault problem={state.problem} />}
        {state.kind === "drawn" && <GainCurveView key={state.serial} curve={state.curve} currency={tenant?.currency ?? null} />}
        <Warnings all={warnings} />
        {state.kind === "idle" && offers?.length === 0 && <p class="notice">Write a selection of the catalogue above to see its gain curve.</p>}
      </main>
    </>
  );
}

/** What must be known of the data: what has moved since the model was trained first, and the rest folded away. */
function Warnings({ all }: { all: Warning[] }) {
  const moved = all.filter((w) => w.code === "drift");
  const rest = all.filter((w) => w.code !== "drift");
  return (
    <>
      {moved.map((w) => <p key={w.detail} class="notice">{w.detail}</p>)}
      {rest.length > 0 && (
        <details class="notice">
          <summary>{rest.length} {rest.length === 1 ? "remark" : "remarks"} on the data</summary>
          <ul>{rest.map((w) => <li key={w.entity + w.detail}>{w.entity}: {w.detail}</li>)}</ul>
        </details>
      )}
    </>
  );
}

function Fault({ problem }: { problem: Problem }) {
  return (
    <div class="fault" role="alert">
      <p><strong>{problem.title}.</strong> {problem.faults.length === 0 && problem.detail}</p>
      {problem.faults.length > 0 && <ul>{problem.faults.map((f) => <li key={f.pointer + f.detail}><code>{f.pointer}</code> {f.detail}</li>)}</ul>}
      {problem.requestId && <p class="small">Request {problem.requestId}</p>}
    </div>
  );
}
