/** Who calls: what the installation says of itself, and what each request carries. */

import { finish, isAnswer } from "./oidc.js";

/**
 * @typedef {object} SignIn
 * @property {string} issuer
 * @property {string} client_id
 * @property {string} authorization_endpoint
 * @property {string} token_endpoint
 * @property {string[]} scopes
 */
/**
 * @typedef {object} Config
 * @property {"open" | "sign_in" | "key"} access
 * @property {SignIn | null} sign_in
 * @property {number} request_bytes
 * @property {boolean} deploys
 * @property {string | null} workspace_id
 * @property {string | null} namespace
 */

const KEY = "blue.key";

/** Kept in memory alone: a page that is loaded again asks the issuer again. @type {string | null} */
let token = null;
let told = () => {};

/** @returns {Promise<Config>} */
export async function readConfig() {
  const answer = await fetch("/ui/config.json");
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return answer.json();
}

/**
 * Take what the page's address has brought: a key in its fragment, or the issuer's answer in its query.
 *
 * @param {Config} config
 * @returns {Promise<boolean>}  whether requests can be sent
 */
export async function arrive(config) {
  if (config.access === "open") return true;
  if (config.access === "key") {
    const brought = /^#key=([\w-]+)$/.exec(location.hash);
    if (brought) {
      sessionStorage.setItem(KEY, brought[1]);
      history.replaceState(null, "", location.pathname);
    }
    token = sessionStorage.getItem(KEY);
  } else if (config.sign_in && isAnswer(location.search)) {
    const query = location.search;
    history.replaceState(null, "", location.pathname);
    const { accessToken, fragment } = await finish(config.sign_in, query);
    history.replaceState(null, "", location.pathname + fragment);
    token = accessToken;
  }
  return token !== null;
}

/** The API does not know the caller any more: what was kept of it is of no use. */
export function over() {
  token = null;
  sessionStorage.removeItem(KEY);
  told();
}

/** @param {() => void} listener  told when the API does not know the caller any more */
export function onOver(listener) {
  told = listener;
}

/** @returns {Record<string, string>} */
export function credentials() {
  return token === null ? {} : { Authorization: `Bearer ${token}` };
}
