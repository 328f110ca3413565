/** The chart of an app's requests: which bars it has. */

import assert from "node:assert/strict";
import { test } from "node:test";

import "./globals.js";

const { periodsOf } = await import("../../functions/ui/static/traffic.js");

test("periods without requests have a place of their own", () => {
  const start = "2026-01-02T03:00:00.000Z";
  const point = (/** @type {string} */ time, /** @type {number} */ requests, /** @type {number} */ errors) =>
    ({ start: `2026-01-02T${time}:00.000Z`, requests, errors, latency_p50_ms: null, latency_p99_ms: null });
  const metrics = /** @type {any} */ ({
    start, end: "2026-01-02T04:05:00.000Z", period: 300, points: [point("03:05", 4, 1), point("04:00", 2, 0)],
  });
  const periods = periodsOf(metrics);
  assert.equal(periods.length, 13);
  assert.deepEqual(periods[1], { requests: 4, errors: 1 });
  assert.deepEqual(periods[12], { requests: 2, errors: 0 });
  assert.equal(periods.filter(({ requests }) => requests > 0).length, 2);
  assert.deepEqual(periodsOf({ ...metrics, points: [] }).map(({ errors }) => errors), Array(13).fill(0));
});
