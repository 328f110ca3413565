/** The page's texts in the language that its reader chose, or that the browser asks for. */

import en from "./texts/en.js";
import ko from "./texts/ko.js";

/** @typedef {"en" | "ko"} Language */
/** @typedef {keyof typeof en} Key */

/** @type {Record<Language, Record<Key, string>>} */
const TEXTS = { en, ko };
const STORED = "blue.language";

/** @type {Record<Language, string>} Names of the languages, each in itself. */
export const LANGUAGES = { en: "English", ko: "한국어" };

/** @type {Language} */
let current = begin();
document.documentElement.lang = current;

/** @returns {Language} */
function begin() {
  const wanted = localStorage.getItem(STORED) ?? navigator.language;
  return wanted.startsWith("ko") ? "ko" : "en";
}

/** @returns {Language} */
export function language() {
  return current;
}

/** @param {Language} chosen */
export function choose(chosen) {
  current = chosen;
  document.documentElement.lang = chosen;
  localStorage.setItem(STORED, chosen);
}

/**
 * A text, with what stands in braces in it replaced.
 *
 * @param {Key} key
 * @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export function t(key, values = {}) {
  return TEXTS[current][key].replace(/{(\w+)}/g, (_, name) => String(values[name] ?? ""));
}

/**
 * The text for a value that the API has a name for; the name itself where a newer service has more of them.
 *
 * @param {string} group
 * @param {string} value
 */
export function named(group, value) {
  const key = `${group}.${value}`;
  return key in TEXTS[current] ? t(/** @type {Key} */ (key)) : value;
}

/** @param {string} moment  ISO 8601 */
export function time(moment) {
  return new Intl.DateTimeFormat(current, { dateStyle: "medium", timeStyle: "medium" }).format(new Date(moment));
}

/** @param {string} moment  ISO 8601 */
export function ago(moment) {
  const seconds = Math.round((Date.parse(moment) - Date.now()) / 1000);
  const relative = new Intl.RelativeTimeFormat(current, { numeric: "auto" });
  /** @type {[Intl.RelativeTimeFormatUnit, number][]} */
  const units = [["day", 86400], ["hour", 3600], ["minute", 60]];
  for (const [unit, size] of units) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return relative.format(Math.min(seconds, 0), "second");
}

/** @param {number} bytes */
export function size(bytes) {
  const [value, unit] = bytes < 1e6 ? [bytes / 1e3, "kilobyte"] : [bytes / 1e6, "megabyte"];
  return new Intl.NumberFormat(current, { style: "unit", unit, maximumFractionDigits: 1 }).format(value);
}

/** @param {number} value */
export function seconds(value) {
  return new Intl.NumberFormat(current, { style: "unit", unit: "second", maximumFractionDigits: 1 }).format(value);
}

/** @param {number} value */
export function milliseconds(value) {
  return new Intl.NumberFormat(current, { style: "unit", unit: "millisecond", maximumFractionDigits: 1 }).format(value);
}

/** @param {number} value */
export function count(value) {
  return new Intl.NumberFormat(current).format(value);
}
