// Signing in: with e-mail and password, with an invitation, with an API key, or with an account elsewhere. What proves it stays in this tab
// (session storage) and goes nowhere but to this server.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Api, Problem, type Credential, type Session } from "./api";
import * as openid from "./openid";

type Way = "password" | "invitation" | "key";
const ways: Record<Way, string> = { password: "Password", invitation: "Invitation", key: "API key" };

export function SignIn({ onSignIn }: { onSignIn: (credential: Credential) => void }) {
  const [way, setWay] = useState<Way>("password");
  const [fault, setFault] = useState("");
  const [busy, setBusy] = useState(false);
  const [elsewhere, setElsewhere] = useState("");
  const attempt = async (work: () => Promise<unknown>, say: (error: unknown) => string) => {
    setBusy(true);
    setFault("");
    try {
      await work();
    } catch (error) {
      setFault(say(error));
    } finally {
      setBusy(false);
    }
  };
  const said = (error: unknown) => String((error as Error).message);
  useEffect(() => {
    if (openid.isBack()) void attempt(async () => onSignIn(await openid.end()), said);
    // Without an answer there is no button; the other ways remain.
    openid.offer().then(({ offered, name }) => setElsewhere(offered ? name || "single sign-on" : ""), () => undefined);
  }, []);
  const submit = async (event: Event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const given = (name: string) => String(form.get(name) ?? "");
    await attempt(async () => onSignIn(await signIn(way, given)), (error) => told(way, error));
  };
  return (
    <main class="sign-in">
      <h1>clew</h1>
      <p>Whom do we contact, how many, and what will it bring?</p>
      <p class="ways" role="group" aria-label="Sign in with">
        {(Object.keys(ways) as Way[]).map((name) => (
          <button type="button" class="way" aria-pressed={name === way} onClick={() => { setWay(name); setFault(""); }}>{ways[name]}</button>
        ))}
      </p>
      <form onSubmit={submit} key={way}>
        {way === "password" && (
          <>
            <Field name="email" type="email" autocomplete="username" fault={fault}>E-mail</Field>
            <Field name="password" type="password" autocomplete="current-password" fault={fault}>Password</Field>
          </>
        )}
        {way === "invitation" && (
          <>
            <Field name="invitation" type="password" autocomplete="off" fault={fault}>Invitation</Field>
            <Field name="password" type="password" autocomplete="new-password" fault={fault}>New password, of 15 characters or more</Field>
          </>
        )}
        {way === "key" && <Field name="key" type="password" autocomplete="off" fault={fault}>API key</Field>}
        <button disabled={busy}>{busy ? "Checking…" : "Sign in"}</button>
        {elsewhere && <button type="button" class="elsewhere" disabled={busy} onClick={() => void attempt(openid.begin, said)}>Sign in with {elsewhere}</button>}
        <p id="fault" class="fault" role="alert">{fault}</p>
      </form>
    </main>
  );
}

function Field({ name, type, autocomplete, fault, children }: { name: string; type: "email" | "password"; autocomplete: string; fault: string; children: ComponentChildren }) {
  const rest = { id: name, name, autocomplete, spellcheck: false, required: true, "aria-describedby": "fault", "aria-invalid": fault !== "" };
  return (
    <>
      <label for={name}>{children}</label>
      {type === "email" ? <input type="email" {...rest} /> : <input type="password" {...rest} />}
    </>
  );
}

async function signIn(way: Way, given: (name: string) => string): Promise<Credential> {
  if (way === "key") {
    const credential = { key: given("key").trim() };
    await new Api(credential, () => undefined).tenant();
    return credential;
  }
  return way === "password"
    ? Api.open<Session>("/v1/sign-in", { email: given("email"), password: given("password") })
    : Api.open<Session>("/v1/sign-in/invitation", { invitation: given("invitation").trim(), password: given("password") });
}

function told(way: Way, error: unknown): string {
  const status = error instanceof Problem ? error.status : 0;
  if (status === 401 && way === "password") return "E-mail and password do not go together.";
  if (status === 401 && way === "invitation") return "This invitation was used, or has expired. Ask for another.";
  if (status === 401) return "This key is not known here, or has expired.";
  if (status === 403) return "This key may not read: ask for one with the right “reader”.";
  return String((error as Error).message);
}
