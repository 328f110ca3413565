/** A browser for the journeys: what goes wrong in a page ends them, what they see is kept as pictures. */

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { env } from "node:process";

const require = createRequire(`${env.NODE_MODULES}/`);
const { chromium } = require("playwright-core");
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const PATIENCE = 180_000;

export const address = /** @type {string} */ (env.ADDRESS);
const pictures = /** @type {string} */ (env.PICTURES);
mkdirSync(pictures, { recursive: true });

const browser = await chromium.launch({ executablePath: env.CHROMIUM, args: env.SANDBOX === "no" ? ["--no-sandbox"] : [] });

/**
 * Open a tab of its own and do something in it; the browser is closed by `end`.
 *
 * @param {object} options  of the browser's context
 * @param {(page: any) => Promise<void>} journey
 * @param {RegExp} [expected]  messages of the console that are no mistake
 */
export async function travel(options, journey, expected = /^$/) {
  const context = await browser.newContext({ locale: "en-GB", reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  /** @type {string[]} */
  const wrong = [];
  page.on("pageerror", (/** @type {Error} */ error) => wrong.push(error.message));
  page.on("console", (/** @type {any} */ message) => {
    if (message.type() === "error" && !expected.test(message.text())) wrong.push(message.text());
  });
  try {
    await journey(page);
    assert.deepEqual(wrong, []);
  } catch (error) {
    await picture(page, `failed-${Date.now()}`).catch(() => {});
    console.log(wrong, page.url(), await page.locator("body").innerText().catch(() => ""));
    throw error;
  } finally {
    await context.close();
  }
}

export function end() {
  return browser.close();
}

/** @param {any} page @param {string} name */
export function picture(page, name) {
  return page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
}

/**
 * Hold what is shown against the rules of axe, and keep a picture of it.
 *
 * @param {any} page
 * @param {string} name
 */
export async function look(page, name) {
  await picture(page, name);
  // By the driver's own way: the page's policy runs no foreign scripts.
  if (!(await page.evaluate("'axe' in window"))) await page.evaluate(AXE);
  const found = await page.evaluate("axe.run({resultTypes: ['violations']})");
  const violations = found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((/** @type {any} */ node) => node.html).join(" ")}`);
  assert.deepEqual(violations, [], name);
  const { width, shown } = await page.evaluate("({width: document.documentElement.scrollWidth, shown: innerWidth})");
  assert.ok(width <= shown, `${name} is wider than the window: ${width} > ${shown}`);
}
