// For `deploy/contract`: an OpenID provider on this machine that signs one person in, whoever asks. Prints its issuer.
// A code is good as often as it is brought, so that one answer can be sent to a service in every state.
import { createHash, createSign, generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const packed = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
let issuer = "";

function token(code, verifier) {
  const { nonce, challenge, client } = JSON.parse(Buffer.from(code, "base64url").toString());
  if (createHash("sha256").update(verifier).digest("base64url") !== challenge) return null;
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: issuer, aud: client, sub: "eloise", nonce, iat: now, exp: now + 300, email: "eloise@example.com", email_verified: true };
  const message = `${packed({ alg: "RS256", kid: "k" })}.${packed(claims)}`;
  return `${message}.${createSign("RSA-SHA256").update(message).sign(privateKey, "base64url")}`;
}

function answer(request, response, body) {
  const said = (status, value) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
  const url = new URL(request.url, issuer);
  const asked = (name) => url.searchParams.get(name);
  if (url.pathname === "/.well-known/openid-configuration") {
    return said(200, { issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token`, jwks_uri: `${issuer}/keys` });
  }
  if (url.pathname === "/keys") return said(200, { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "k", alg: "RS256", use: "sig" }] });
  if (url.pathname === "/authorize") {
    const back = new URL(asked("redirect_uri"));
    back.searchParams.set("code", packed({ nonce: asked("nonce"), challenge: asked("code_challenge"), client: asked("client_id") }));
    back.searchParams.set("state", asked("state"));
    return response.writeHead(302, { location: back.href }).end();
  }
  const form = new URLSearchParams(body);
  let signed = null;
  try {
    signed = token(form.get("code") ?? "", form.get("code_verifier") ?? "");
  } catch { /* no code of ours */ }
  return signed === null ? said(400, { error: "invalid_grant" }) : said(200, { access_token: "none", token_type: "Bearer", id_token: signed });
}

const server = createServer((request, response) => {
  let body = "";
  request.on("data", (part) => { body += part; });
  request.on("end", () => answer(request, response, body));
});
server.listen(0, "127.0.0.1", () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  console.log(issuer);
});
// It ends with who started it.
process.stdin.on("end", () => process.exit(0)).resume();
