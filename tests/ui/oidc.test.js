/** Signing in: what is asked, and which answers are taken. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { put } from "./globals.js";

const { SignInError, authorizationUrl, challenge, finish, isAnswer } = await import("../../functions/ui/static/oidc.js");

const SIGN_IN = {
  issuer: "https://issuer.example.com",
  client_id: "page",
  authorization_endpoint: "https://login.example.com/authorize?tenant=a",
  token_endpoint: "/issuer/token",
  scopes: ["openid", "blue/use"],
};
const KEPT = { state: "s1", nonce: "n1", verifier: "v".repeat(43), fragment: "#/w/tasks" };
const CLAIMS = { iss: SIGN_IN.issuer, aud: "page", nonce: "n1", exp: Date.now() / 1000 + 60, sub: "한글" };

/** @type {{url: string, body: Record<string, string>}[]} */
let asked = [];

function jwt(/** @type {object} */ claims) {
  return `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.c2ln`;
}

/** @param {object} body @param {number} [status] */
function issuer(body, status = 200) {
  put("fetch", async (/** @type {URL} */ url, /** @type {any} */ { body: form }) => {
    asked.push({ url: String(url), body: Object.fromEntries(form) });
    return { ok: status < 400, status, json: async () => body };
  });
}

function tokens(/** @type {object} */ claims = {}) {
  return { access_token: "at", id_token: jwt({ ...CLAIMS, ...claims }), token_type: "Bearer" };
}

beforeEach(() => {
  asked = [];
  sessionStorage.setItem("blue.sign-in", JSON.stringify(KEPT));
  issuer(tokens());
});

test("the challenge is that of RFC 7636, appendix B", async () => {
  const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  assert.equal(await challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
});

test("a user is sent to the issuer with all that binds the answer to this tab", async () => {
  const url = new URL(await authorizationUrl(SIGN_IN, KEPT));
  assert.equal(url.origin + url.pathname, "https://login.example.com/authorize");
  assert.deepEqual(Object.fromEntries(url.searchParams), {
    tenant: "a",
    response_type: "code",
    client_id: "page",
    redirect_uri: "https://api.example.com/ui",
    scope: "openid blue/use",
    state: "s1",
    nonce: "n1",
    code_challenge: await challenge(KEPT.verifier),
    code_challenge_method: "S256",
  });
});

test("a good answer becomes a token, once", async () => {
  const query = `?code=c1&state=s1&iss=${encodeURIComponent(SIGN_IN.issuer)}`;
  assert.deepEqual(await finish(SIGN_IN, query), { accessToken: "at", fragment: "#/w/tasks" });
  assert.deepEqual(asked, [{
    url: "https://api.example.com/issuer/token",
    body: {
      grant_type: "authorization_code",
      code: "c1",
      redirect_uri: "https://api.example.com/ui",
      client_id: "page",
      code_verifier: KEPT.verifier,
    },
  }]);
  await assert.rejects(finish(SIGN_IN, query), { code: "not_asked" });
});

for (const [query, code] of [
  ["?code=c1&state=other", "not_asked"],
  ["?code=c1&state=s1&iss=https%3A%2F%2Fother.example.com", "other_issuer"],
  ["?error=access_denied&error_description=no&state=s1", "refused"],
]) {
  test(`the answer ${query} is not exchanged`, async () => {
    await assert.rejects(finish(SIGN_IN, query), (error) => error instanceof SignInError && error.code === code);
    assert.deepEqual(asked, []);
  });
}

for (const [name, code, answer] of /** @type {[string, string, object][]} */ ([
  ["another issuer", "other_issuer", tokens({ iss: "https://other.example.com" })],
  ["another client", "other_answer", tokens({ aud: ["other"] })],
  ["another nonce", "other_answer", tokens({ nonce: "n2" })],
  ["no nonce", "other_answer", tokens({ nonce: undefined })],
  ["a time that is over", "other_answer", tokens({ exp: 1 })],
  ["no time", "other_answer", tokens({ exp: undefined })],
  ["no JWT", "other_answer", { ...tokens(), id_token: "x" }],
  ["no ID token", "no_token", { ...tokens(), id_token: undefined }],
  ["another type", "no_token", { ...tokens(), token_type: "DPoP" }],
])) {
  test(`a token of ${name} is not taken`, async () => {
    issuer(answer);
    await assert.rejects(finish(SIGN_IN, "?code=c1&state=s1"), { code });
  });
}

test("what the issuer says of a code that it does not take is shown", async () => {
  issuer({ error: "invalid_grant", error_description: "used" }, 400);
  await assert.rejects(finish(SIGN_IN, "?code=c1&state=s1"), { code: "no_token", detail: "used" });
});

test("an answer of the issuer is told from other queries", () => {
  assert.ok(isAnswer("?code=a&state=b"));
  assert.ok(isAnswer("?error=a&state=b"));
  assert.ok(!isAnswer("?code=a"));
  assert.ok(!isAnswer(""));
});
