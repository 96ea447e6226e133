// Signing in with an account elsewhere: this page begins, the provider sends the browser back here, this page brings the
// answer to the server. What proves that both are the same page stays in this tab.
import { Api, type Session } from "./api";

export interface Offer { offered: boolean; name?: string | null }
interface Begun { authorization_url: string; attempt: string }

const slot = "clew.attempt";

export const offer = () => Api.ask<Offer>("/v1/sign-in/openid");

/** Leaves this page for the provider's. */
export async function begin(): Promise<void> {
  const begun = await Api.open<Begun>("/v1/sign-in/openid");
  sessionStorage.setItem(slot, begun.attempt);
  location.assign(begun.authorization_url);
}

/** Whether the browser comes from the provider. */
export function isBack(): boolean {
  const query = new URLSearchParams(location.search);
  return query.has("state") && (query.has("code") || query.has("error"));
}

/** The session that the provider's answer opens. The address is cleared of it, whatever becomes of it. */
export async function end(): Promise<Session> {
  const query = new URLSearchParams(location.search);
  const attempt = sessionStorage.getItem(slot);
  sessionStorage.removeItem(slot);
  history.replaceState(null, "", location.pathname);
  const [code, state, iss] = [query.get("code"), query.get("state"), query.get("iss")];
  if (!code || !state) throw new Error("The provider did not sign you in.");
  if (!attempt) throw new Error("The sign-in was not begun in this tab. Begin again.");
  return Api.open<Session>("/v1/sign-in/openid/session", { attempt, code, state, ...(iss === null ? {} : { iss }) });
}
