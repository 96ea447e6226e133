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

/** What a sign-in gave: an access token of fifteen minutes, and what the next one is had with. */
export interface Session { access_token: string; refresh_token: string }
export type Credential = { key: string } | Session;

export class Api {
  private refreshing: Promise<void> | null = null;

  /** `onChange` hears of the session's next tokens, and of its end. */
  constructor(private credential: Credential, private readonly onChange: (credential: Credential | null) => void) {}

  /** What anybody may ask who is not signed in. */
  static open = <T>(path: string, body?: unknown) => send<T>("POST", path, null, body);
  static ask = <T>(path: string) => send<T>("GET", path, null);

  async signOut(): Promise<void> {
    if (!("key" in this.credential)) await this.call("POST", "/v1/sign-out").catch(() => undefined);
    this.onChange(null);
  }

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
    const token = () => ("key" in this.credential ? this.credential.key : this.credential.access_token);
    try {
      return await send<T>(method, path, token(), body);
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 401 || "key" in this.credential) throw error;
      await this.refresh();
      return send<T>(method, path, token(), body);
    }
  }

  /** Once for all requests that wait: a refresh token is good for one use. */
  private refresh(): Promise<void> {
    this.refreshing ??= this.next().finally(() => { this.refreshing = null; });
    return this.refreshing;
  }

  private async next(): Promise<void> {
    if ("key" in this.credential) return;
    try {
      this.credential = await Api.open<Session>("/v1/sign-in/refresh", { refresh_token: this.credential.refresh_token });
      this.onChange(this.credential);
    } catch (error) {
      if (error instanceof Problem && error.status === 401) this.onChange(null);
      throw error;
    }
  }
}

async function send<T>(method: string, path: string, token: string | null, body?: unknown): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      headers: { ...(token === null ? {} : { Authorization: `Bearer ${token}` }), ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      cache: "no-store",
    });
  } catch {
    throw new Problem(0, "No answer", "The server does not answer. Is it running?", [], "");
  }
  if (answer.status === 204) return undefined as T;
  const json = await answer.json().catch(() => null);
  if (answer.ok && json !== null) return json as T;
  throw new Problem(answer.status, json?.title ?? answer.statusText, json?.detail ?? "", json?.errors ?? [], json?.request_id ?? "");
}
