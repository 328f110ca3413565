/** The API as the page calls it. What it refuses is an error with the API's own text. */

import { credentials, over } from "./session.js";

const NOBODY = 401;

/** An answer that is none of success, or no answer at all (status 0). */
export class Refusal extends Error {
  /**
   * @param {number} status
   * @param {string} text  the API's own; "" where it gave none
   * @param {number | null} [retryAfter]  seconds
   */
  constructor(status, text, retryAfter = null) {
    super(text);
    this.status = status;
    this.retryAfter = retryAfter;
  }

  /** Whether the same request may succeed later. */
  get mayPass() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/**
 * @param {string} path
 * @param {Record<string, string | number | null | undefined>} [query]  without those that have no value
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export function get(path, query, signal) {
  return send("GET", path, query, { signal });
}

/**
 * @param {string} path
 * @param {object} body
 * @param {Record<string, string | number | null | undefined>} [query]
 * @returns {Promise<any>}
 */
export function post(path, body, query) {
  const headers = { "Content-Type": "application/json" };
  return send("POST", path, query, { body: JSON.stringify(body), headers });
}

/**
 * @param {string} path
 * @param {FormData} form
 * @param {string} key  Idempotency-Key: the same for a request that is sent again
 * @returns {Promise<any>}
 */
export function postForm(path, form, key) {
  return send("POST", path, {}, { body: form, headers: { "Idempotency-Key": key } });
}

/**
 * @param {string} path
 * @param {Record<string, string | number | null | undefined>} [query]
 * @returns {Promise<any>}
 */
export function remove(path, query) {
  return send("DELETE", path, query, {});
}

/**
 * A path of the API, each part of it encoded.
 *
 * @param {...string} parts
 */
export function path(...parts) {
  return `/api/v1/${parts.map(encodeURIComponent).join("/")}`;
}

/**
 * @param {string} method
 * @param {string} path
 * @param {Record<string, string | number | null | undefined>} query
 * @param {{body?: BodyInit, headers?: Record<string, string>, signal?: AbortSignal}} request
 */
async function send(method, path, query = {}, { body, headers = {}, signal }) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const url = given.length ? `${path}?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}` : path;
  let response;
  try {
    response = await fetch(url, { method, body, signal, headers: { ...credentials(), ...headers }, cache: "no-store" });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refusal(0, "");
  }
  const answer = await response.json().catch(() => null);
  if (response.ok && answer !== null) return answer;
  if (response.status === NOBODY) over();
  throw new Refusal(response.status, textOf(answer), seconds(response.headers.get("Retry-After")));
}

/**
 * @param {any} answer
 * @returns {string}
 */
export function textOf(answer) {
  const detail = answer?.detail ?? answer?.message ?? "";
  if (!Array.isArray(detail)) return String(detail);
  return detail.map(({ loc, msg }) => `${loc.slice(1).join(".")}: ${msg}`).join("; ");
}

/** @param {string | null} header */
function seconds(header) {
  return header !== null && /^\d+$/.test(header) ? Number(header) : null;
}
