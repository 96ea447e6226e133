// The console: one page. The key lives in this tab's session storage until sign-out.
import { render } from "preact";
import { useMemo, useState } from "preact/hooks";
import { Api } from "./api";
import { Desk } from "./Desk";
import { SignIn } from "./SignIn";
import "./style.css";

const slot = "clew.key";

function Console() {
  const [key, setKey] = useState(() => sessionStorage.getItem(slot));
  const api = useMemo(() => (key ? new Api(key) : null), [key]);
  const signOut = useMemo(() => () => { sessionStorage.removeItem(slot); setKey(null); }, []);
  if (!api) return <SignIn onKey={(k) => { sessionStorage.setItem(slot, k); setKey(k); }} />;
  return <Desk api={api} onSignOut={signOut} />;
}

const root = document.getElementById("console");
if (root) render(<Console />, root);
