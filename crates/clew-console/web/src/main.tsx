// The console: one page. What proves who is signed in lives in this tab's session storage until sign-out.
import { render } from "preact";
import { useMemo, useState } from "preact/hooks";
import { Api, type Credential, type Session } from "./api";
import { Desk } from "./Desk";
import { SignIn } from "./SignIn";
import "./style.css";

const slot = "clew.credential";

function stored(): Credential | null {
  try {
    return JSON.parse(sessionStorage.getItem(slot) ?? "null");
  } catch {
    return null;
  }
}

/** Keeps what later requests need, and no more of what the sign-in told. */
function keep(credential: Credential | null): void {
  if (!credential) return sessionStorage.removeItem(slot);
  const { access_token, refresh_token } = credential as Session;
  sessionStorage.setItem(slot, JSON.stringify("key" in credential ? { key: credential.key } : { access_token, refresh_token }));
}

function Console() {
  const [first, setFirst] = useState(stored);
  const api = useMemo(() => {
    if (!first) return null;
    return new Api(first, (next) => {
      keep(next);
      if (!next) setFirst(null);
    });
  }, [first]);
  const signOut = useMemo(() => () => void api?.signOut(), [api]);
  if (!api) return <SignIn onSignIn={(credential) => { keep(credential); setFirst(credential); }} />;
  return <Desk api={api} onSignOut={signOut} />;
}

const root = document.getElementById("console");
if (root) render(<Console />, root);
