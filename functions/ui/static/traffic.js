/** Requests and errors of an app in the last hour: a small chart, and its numbers as a text. */

import { count, milliseconds, t } from "./language.js";
import { html } from "./view.js";

/** @typedef {import("../types.js").AppMetrics} AppMetrics */

const WIDTH = 10;
const GAP = 2;
const HEIGHT = 60;

/**
 * Requests and errors of all periods, oldest first; the API leaves out those without requests.
 *
 * @param {AppMetrics} metrics
 */
export function periodsOf({ start, end, period, points }) {
  const number = (/** @type {string} */ moment) => (Date.parse(moment) - Date.parse(start)) / 1000 / period;
  const known = new Map(points.map((point) => [number(point.start), point]));
  return Array.from({ length: number(end) }, (_, index) => ({
    requests: known.get(index)?.requests ?? 0,
    errors: known.get(index)?.errors ?? 0,
  }));
}

/** @param {{of: AppMetrics}} props */
export function Traffic({ of }) {
  if (!of.measured) return html`<p>${t("traffic.not_measured")}</p>`;
  if (of.requests === null) return html`<p>${t("traffic.none")}</p>`;
  const periods = periodsOf(of);
  const most = Math.max(...periods.map(({ requests }) => requests), 1);
  const bar = (/** @type {number} */ index, /** @type {number} */ value, kind = "") => {
    const height = (value / most) * HEIGHT;
    return value > 0 && html`<rect class=${kind} x=${index * WIDTH} y=${HEIGHT - height} width=${WIDTH - GAP} height=${height} />`;
  };
  return html`
    <p>${t("traffic.summary", {
      requests: count(of.requests),
      errors: count(of.errors ?? 0),
      latency: of.latency_average_ms === null ? "–" : milliseconds(of.latency_average_ms),
    })}</p>
    <svg class="chart" viewBox="0 0 ${periods.length * WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img"
      aria-label=${t("traffic.chart", { minutes: count(of.period / 60), most: count(most) })}>
      ${periods.map(({ requests, errors }, index) => html`
        ${bar(index, requests)}${bar(index, errors, "errors")}`)}
    </svg>`;
}
