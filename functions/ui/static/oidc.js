/**
 * Signing in at an issuer of tokens: the authorization code flow of OpenID Connect Core 1.0 with PKCE (RFC 7636, S256),
 * as a public client. What is kept while the browser is at the issuer is of use once, in this tab.
 */

/** @typedef {import("./session.js").SignIn} SignIn */

const STORED = "blue.sign-in";

/** An answer of the issuer that is no sign-in; `code` names what is wrong with it (the texts `sign_in.error.…`). */
export class SignInError extends Error {
  /**
   * @param {"refused" | "not_asked" | "other_issuer" | "no_token" | "other_answer"} code
   * @param {string} [detail]  what the issuer says
   */
  constructor(code, detail = "") {
    super(detail ? `${code}: ${detail}` : code);
    this.code = code;
    this.detail = detail;
  }
}

/** Where the issuer sends its answer. */
export function redirectUri() {
  return `${location.origin}/ui`;
}

/** @param {string} query */
export function isAnswer(query) {
  const names = new URLSearchParams(query);
  return names.has("state") && (names.has("code") || names.has("error"));
}

/**
 * Leave for the issuer.
 *
 * @param {SignIn} signIn
 */
export async function begin(signIn) {
  const kept = { state: random(), nonce: random(), verifier: random(), fragment: location.hash };
  sessionStorage.setItem(STORED, JSON.stringify(kept));
  location.assign(await authorizationUrl(signIn, kept));
}

/**
 * The address that a user is sent to.
 *
 * @param {SignIn} signIn
 * @param {{state: string, nonce: string, verifier: string}} kept
 */
export async function authorizationUrl(signIn, kept) {
  const url = new URL(signIn.authorization_endpoint, location.origin);
  const query = {
    response_type: "code",
    client_id: signIn.client_id,
    redirect_uri: redirectUri(),
    scope: signIn.scopes.join(" "),
    state: kept.state,
    nonce: kept.nonce,
    code_challenge: await challenge(kept.verifier),
    code_challenge_method: "S256",
  };
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url.href;
}

/**
 * Exchange the issuer's answer for a token.
 *
 * @param {SignIn} signIn
 * @param {string} query
 * @returns {Promise<{accessToken: string, fragment: string}>}  the token, and where the page was before
 */
export async function finish(signIn, query) {
  const answer = new URLSearchParams(query);
  const kept = JSON.parse(sessionStorage.getItem(STORED) ?? "null");
  sessionStorage.removeItem(STORED);
  if (kept === null || answer.get("state") !== kept.state) throw new SignInError("not_asked");
  if ((answer.get("iss") ?? signIn.issuer) !== signIn.issuer) throw new SignInError("other_issuer");
  const code = answer.get("code");
  if (code === null) throw new SignInError("refused", answer.get("error_description") ?? answer.get("error") ?? "");
  const tokens = await exchange(signIn, code, kept.verifier);
  check(claims(tokens.id_token), signIn, kept.nonce);
  return { accessToken: tokens.access_token, fragment: kept.fragment };
}

/**
 * @param {SignIn} signIn
 * @param {string} code
 * @param {string} verifier
 * @returns {Promise<{access_token: string, id_token: string}>}
 */
async function exchange(signIn, code, verifier) {
  const form = {
    grant_type: "authorization_code",
    code,
    redirect_uri: redirectUri(),
    client_id: signIn.client_id,
    code_verifier: verifier,
  };
  const address = new URL(signIn.token_endpoint, location.origin);
  const response = await fetch(address, { method: "POST", body: new URLSearchParams(form), credentials: "omit" });
  const tokens = await response.json().catch(() => ({}));
  const isWhole = typeof tokens.access_token === "string" && typeof tokens.id_token === "string";
  if (!response.ok || !isWhole || String(tokens.token_type).toLowerCase() !== "bearer") {
    throw new SignInError("no_token", tokens.error_description ?? tokens.error ?? `HTTP ${response.status}`);
  }
  return tokens;
}

/**
 * Hold an ID token to what was asked for. It came from the issuer itself, over TLS, which is what a signature would say
 * (OpenID Connect Core 1.0, 3.1.3.7).
 *
 * @param {Record<string, any>} token
 * @param {SignIn} signIn
 * @param {string} nonce
 */
function check(token, signIn, nonce) {
  if (token.iss !== signIn.issuer) throw new SignInError("other_issuer");
  const isOurs = [token.aud].flat().includes(signIn.client_id) && token.nonce === nonce;
  if (!isOurs || !(token.exp * 1000 > Date.now())) throw new SignInError("other_answer");
}

/**
 * The claims of a JWT.
 *
 * @param {string} token
 * @returns {Record<string, any>}
 */
function claims(token) {
  try {
    const payload = token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new SignInError("other_answer");
  }
}

/** @param {string} verifier */
export async function challenge(verifier) {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

function random() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

/** @param {Uint8Array} bytes */
function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
