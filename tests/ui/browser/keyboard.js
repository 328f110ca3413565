/** The whole way by keyboard alone, in a window as narrow as a small phone's. */

import assert from "node:assert/strict";

import { address, end, look, travel } from "./browser.js";
import { source } from "./sources.js";

const APP = "by-keyboard";
const MOST_TABS = 80;

/** Name of what has the focus, as it is read out. @param {any} page */
function focused(page) {
  return page.evaluate(() => {
    const element = /** @type {any} */ (document.activeElement);
    const text = (element.labels?.[0] ?? element).innerText?.replace(/\s+/g, " ").trim();
    return text || element.getAttribute("aria-label") || "";
  });
}

/** Go on by Tab to what has this name. @param {any} page @param {RegExp} name */
async function tabTo(page, name) {
  for (let pressed = 0; pressed < MOST_TABS; pressed += 1) {
    await page.keyboard.press("Tab");
    if (name.test(await focused(page))) {
      const outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle");
      assert.notEqual(outline, "none", `the focus on ${name} cannot be seen`);
      return;
    }
  }
  assert.fail(`Tab does not lead to ${name}`);
}

/** What the system's own dialog answers: no page has any part in it. @type {Buffer} */
let chosen;

/** @param {any} page @param {string} answer */
async function upload(page, answer) {
  await tabTo(page, /^Upload$/);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Upload" }).waitFor();
  await tabTo(page, /^File/);
  chosen = Buffer.from(source(answer));
  await page.keyboard.press("Enter");
  await page.getByText(/app\.py, [\d.]+ kB/).waitFor();
  await tabTo(page, /^Name of the app/);
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.type(APP);
  await look(page, "keyboard-upload");
  await page.keyboard.press("Enter");
  await page.locator(".badge.deployed").waitFor();
}

await travel({ viewport: { width: 360, height: 740 }, hasTouch: false }, async (page) => {
  page.on("filechooser", (/** @type {any} */ chooser) =>
    chooser.setFiles({ name: "app.py", mimeType: "text/x-python", buffer: chosen }));
  await page.goto(`${address}/ui`);
  await page.getByRole("heading", { name: "Tasks" }).waitFor();
  assert.equal(await focused(page), "Tasks");
  await page.keyboard.press("Shift+Tab");
  for (let pressed = 0; pressed < 8; pressed += 1) await page.keyboard.press("Shift+Tab");
  await tabTo(page, /^Skip to the content$/);
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate("document.activeElement.id"), "content");
  await look(page, "keyboard-tasks");

  await upload(page, "one");
  assert.match(await focused(page), /^Build of/);
  await look(page, "keyboard-task");
  await upload(page, "two");

  await tabTo(page, new RegExp(`^default/${APP}$`));
  await page.keyboard.press("Enter");
  await page.locator(".badge.available").waitFor();
  await look(page, "keyboard-app");

  await tabTo(page, /^Roll back Revision 1$/);
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  assert.equal(await focused(page), "Cancel");
  await look(page, "keyboard-confirm");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.match(await focused(page), /^Roll back Revision 1$/);
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await tabTo(page, /^Roll back$/);
  await page.keyboard.press("Enter");
  await page.getByText("rollback to 1").waitFor();

  await tabTo(page, /^Apps$/);
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: APP }).waitFor();
  await look(page, "keyboard-apps");
});
await end();
