// Signing in with an API key. The key stays in this tab (session storage) and goes nowhere but to this server.
import { useState } from "preact/hooks";
import { Api, Problem } from "./api";

export function SignIn({ onKey }: { onKey: (key: string) => void }) {
  const [fault, setFault] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    const key = String(new FormData(event.currentTarget as HTMLFormElement).get("key") ?? "").trim();
    if (!key) return setFault("Type or paste a key first.");
    setBusy(true);
    try {
      await new Api(key).tenant();
      onKey(key);
    } catch (error) {
      const status = error instanceof Problem ? error.status : 0;
      setFault(status === 401 ? "This key is not known here, or has expired." : status === 403 ? "This key may not read: ask for one with the right “reader”." : String((error as Error).message));
    } finally {
      setBusy(false);
    }
  };
  return (
    <main class="sign-in">
      <h1>clew</h1>
      <p>Whom do we contact, how many, and what will it bring?</p>
      <form onSubmit={submit}>
        <label for="key">API key</label>
        <input id="key" name="key" type="password" autocomplete="off" spellcheck={false} placeholder="clew_…" aria-describedby="key-fault" aria-invalid={fault !== ""} autofocus />
        <button disabled={busy}>{busy ? "Checking…" : "Sign in"}</button>
        <p id="key-fault" class="fault" role="alert">{fault}</p>
      </form>
    </main>
  );
}
