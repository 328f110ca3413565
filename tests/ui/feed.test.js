/** Asking again and again: how long it waits, when it ends. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { put } from "./globals.js";

const { Refusal } = await import("../../functions/ui/static/api.js");
const { pauseAfter, run } = await import("../../functions/ui/static/feed.js");

/** Pauses in milliseconds, none of them waited for. @type {number[]} */
let pauses = [];
put("setTimeout", (/** @type {() => void} */ then, /** @type {number} */ milliseconds) => {
  pauses.push(milliseconds);
  queueMicrotask(then);
});

/** @param {({value: string, pause: number | null} | Error)[]} answers */
async function shown(answers, signal = new AbortController().signal) {
  pauses = [];
  /** @type {[string | null, number | null][]} */
  const states = [];
  const ask = async () => {
    const answer = /** @type {any} */ (answers.shift());
    if (answer instanceof Error) throw answer;
    return answer;
  };
  await run(ask, null, ({ value, problem }) => states.push([value, problem && problem.status]), signal);
  return states;
}

test("it goes on until there is nothing more to ask", async () => {
  const states = await shown([{ value: "a", pause: 3 }, { value: "b", pause: 0 }, { value: "c", pause: null }]);
  assert.deepEqual(states, [["a", null], ["b", null], ["c", null]]);
  assert.deepEqual(pauses, [3000, 0]);
});

test("what may pass is asked again, later and later, or when the answer says so", async () => {
  const states = await shown([
    new Refusal(503, "busy"), new Refusal(0, ""), new Refusal(429, "slow", 7), { value: "a", pause: null },
  ]);
  assert.deepEqual(states, [[null, 503], [null, 0], [null, 429], ["a", null]]);
  assert.deepEqual(pauses, [1000, 2000, 7000]);
});

test("what was there stays while there is a problem", async () => {
  assert.deepEqual(await shown([{ value: "a", pause: 0 }, new Refusal(404, "gone")]), [["a", null], ["a", 404]]);
});

test("a refusal that will not pass ends it", async () => {
  for (const status of [400, 401, 403, 404, 422]) {
    assert.deepEqual(await shown([new Refusal(status, "no")]), [[null, status]]);
  }
});

test("nothing is shown after it was stopped", async () => {
  const stopped = new AbortController();
  stopped.abort();
  assert.deepEqual(await shown([{ value: "a", pause: null }], stopped.signal), []);
});

test("a pause has an upper end, which the service may exceed", () => {
  assert.equal(pauseAfter(50, null), 30);
  assert.equal(pauseAfter(1, 120), 120);
});
