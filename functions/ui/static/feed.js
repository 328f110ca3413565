/** Data that is asked for again and again: as long as it is shown, and only while somebody can see it. */

import { Refusal } from "./api.js";
import { useEffect, useState } from "./view.js";

const FIRST_PAUSE = 1;
const LONGEST_PAUSE = 30;

/**
 * Seconds to wait after a request that failed.
 *
 * @param {number} failures  one after the other
 * @param {number | null} retryAfter  what the answer says
 */
export function pauseAfter(failures, retryAfter) {
  return retryAfter ?? Math.min(FIRST_PAUSE * 2 ** (failures - 1), LONGEST_PAUSE);
}

/**
 * Ask again and again.
 *
 * @template T
 * @param {(signal: AbortSignal, before: T | null) => Promise<{value: T, pause: number | null}>} ask
 *   what is asked; `pause` are seconds until the next time, null when this was the last
 * @param {unknown[]} changes  it begins anew when one of them changes
 * @returns {{value: T | null, problem: Refusal | null, again: () => void}}
 */
export function useFeed(ask, changes) {
  const [state, setState] = useState(/** @type {{value: T | null, problem: Refusal | null}} */ ({ value: null, problem: null }));
  const [round, setRound] = useState(0);

  useEffect(() => setState({ value: null, problem: null }), changes);
  useEffect(() => {
    const stopped = new AbortController();
    run(ask, state.value, setState, stopped.signal);
    return () => stopped.abort();
  }, [...changes, round]);
  return { ...state, again: () => setRound(round + 1) };
}

/**
 * @template T
 * @param {(signal: AbortSignal, before: T | null) => Promise<{value: T, pause: number | null}>} ask
 * @param {T | null} before
 * @param {(state: {value: T | null, problem: Refusal | null}) => void} show
 * @param {AbortSignal} signal
 */
export async function run(ask, before, show, signal) {
  let value = before;
  let failures = 0;
  while (!signal.aborted) {
    /** @type {number | null} */
    let pause = null;
    try {
      const answer = await ask(signal, value);
      if (signal.aborted) return;
      ({ value, pause } = answer);
      failures = 0;
      show({ value, problem: null });
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Refusal)) throw error;
      failures += 1;
      show({ value, problem: error });
      if (error.mayPass) pause = pauseAfter(failures, error.retryAfter);
    }
    if (pause === null) return;
    await sleep(pause, signal);
    await seen(signal);
  }
}

/**
 * @param {number} seconds
 * @param {AbortSignal} signal
 */
function sleep(seconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve(undefined)), { once: true });
  });
}

/** Wait until the page can be seen. @param {AbortSignal} signal */
function seen(signal) {
  return new Promise((resolve) => {
    const look = () => {
      if (document.visibilityState !== "visible" && !signal.aborted) return;
      document.removeEventListener("visibilitychange", look);
      resolve(undefined);
    };
    document.addEventListener("visibilitychange", look);
    signal.addEventListener("abort", look, { once: true });
    look();
  });
}
