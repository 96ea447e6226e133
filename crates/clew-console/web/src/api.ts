// The public API, as far as this page uses it. No private endpoint: everything here is in /openapi.json.

export interface Tenant { id: string; name: string; currency?: string | null }
export interface Offer { id: string; name: string; expression?: string | null; product_ids?: string[] | null }
export interface Point {
  volume: number; share_of_customers: number; expected_buyers: number; low: number; high: number;
  share_of_buyers: number; lift: number; expected_revenue?: number | null; expected_profit?: number | null;
}
export interface GainCurve { points: Point[]; n_customers: number; warnings?: string[] | null }
export interface Warning { code: string; entity: string; detail: string }
export interface FieldFault { pointer: string; detail: string }

/** An `application/problem+json` answer (RFC 9457), or the lack of any answer. */
export class Problem extends Error {
  constructor(readonly status: number, readonly title: string, readonly detail: string, readonly faults: FieldFault[], readonly requestId: string) {
    super(detail || title);
  }
}

export class Api {
  constructor(private readonly key: string) {}

  tenant = () => this.call<Tenant>("GET", "/v1/tenant");

  data = () => this.call<{ warnings: Warning[] }>("GET", "/v1/data");

  async offers(): Promise<Offer[]> {
    const offers: Offer[] = [];
    let cursor: string | null | undefined;
    do {
      const query = new URLSearchParams({ limit: "100", ...(cursor ? { cursor } : {}) });
      const page = await this.call<{ data: Offer[]; next_cursor?: string | null }>("GET", `/v1/offers?${query}`);
      offers.push(...page.data);
      cursor = page.next_cursor;
    } while (cursor);
    return offers;
  }

  saveOffer = (name: string, expression: string) => this.call<Offer>("POST", "/v1/offers", { name, expression });

  gainCurve = (offer: { offer_id: string } | { offer: { expression: string } }) => this.call<GainCurve>("POST", "/v1/gain-curves", offer);

  private async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    let answer: Response;
    try {
      answer = await fetch(path, {
        method,
        headers: { Authorization: `Bearer ${this.key}`, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        cache: "no-store",
      });
    } catch {
      throw new Problem(0, "No answer", "The server does not answer. Is it running?", [], "");
    }
    const json = await answer.json().catch(() => null);
    if (answer.ok && json !== null) return json as T;
    throw new Problem(answer.status, json?.title ?? answer.statusText, json?.detail ?? "", json?.errors ?? [], json?.request_id ?? "");
  }
}
