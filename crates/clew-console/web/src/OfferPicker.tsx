// Which offer: one of the saved ones, or an expression typed here and now.
import { useState } from "preact/hooks";
import type { Offer } from "./api";

export type Chosen = { offer_id: string } | { offer: { expression: string } };

export function OfferPicker({ offers, selected, onChoose }: { offers: Offer[]; selected: string; onChoose: (chosen: Chosen, id: string) => void }) {
  const [expression, setExpression] = useState("");
  return (
    <div class="picker">
      <label>
        Offer
        <select value={selected} onChange={(e) => { const id = e.currentTarget.value; if (id) onChoose({ offer_id: id }, id); }}>
          <option value="" disabled>{offers.length === 0 ? "no saved offer" : "an expression of your own"}</option>
          {offers.map((offer) => <option key={offer.id} value={offer.id}>{offer.name}</option>)}
        </select>
      </label>
      <form onSubmit={(e) => { e.preventDefault(); if (expression.trim()) onChoose({ offer: { expression: expression.trim() } }, ""); }}>
        <label>
          or any selection of the catalogue
          <input value={expression} onInput={(e) => setExpression(e.currentTarget.value)} spellcheck={false} placeholder={'product.category == "wine" && product.price < 20.0'} />
        </label>
        <button>Draw</button>
      </form>
    </div>
  );
}
