/** The whole way with the mouse: drop a file, read findings, drop a better one, see it run, go back. */

import assert from "node:assert/strict";

import { address, end, look, travel } from "./browser.js";
import { WRONG, call, source } from "./sources.js";

const APP = "by-mouse";

/** @param {any} page @param {string} text */
async function drop(page, text) {
  await page.getByRole("link", { name: "Upload" }).first().click();
  const data = await page.evaluateHandle((/** @type {string} */ content) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([content], "app.py", { type: "text/x-python" }));
    return transfer;
  }, text);
  await page.dispatchEvent("form", "dragover", { dataTransfer: data });
  await page.dispatchEvent("form", "drop", { dataTransfer: data });
  await page.getByText(/app\.py, [\d.]+ kB/).waitFor();
  await page.getByLabel("Name of the app").fill(APP);
}

await travel({ viewport: { width: 1100, height: 800 } }, async (page) => {
  await page.goto(`${address}/ui`);
  await page.getByRole("heading", { name: "Tasks" }).waitFor();
  await look(page, "mouse-tasks-none");

  await drop(page, WRONG);
  await look(page, "mouse-upload");
  await page.getByRole("button", { name: "Build" }).click();
  await page.getByText("failed", { exact: true }).waitFor();
  await page.getByRole("heading", { name: "What went wrong" }).waitFor();
  await page.getByText("app.py:7", { exact: true }).waitFor();
  await look(page, "mouse-findings");

  for (const answer of ["one", "two"]) {
    await drop(page, source(answer));
    await page.getByRole("button", { name: "Build" }).click();
    await page.locator(".badge.deployed").waitFor();
    assert.match(await page.getByRole("log").innerText(), /Push/);
  }
  await look(page, "mouse-task");
  await page.getByRole("link", { name: "Tasks" }).first().click();
  await page.locator(".rows .badge.done").nth(1).waitFor();
  await look(page, "mouse-tasks");

  await page.getByRole("link", { name: "Apps" }).click();
  await page.getByRole("link", { name: APP }).waitFor();
  await look(page, "mouse-apps");
  await page.getByRole("link", { name: APP }).click();
  await page.locator(".badge.available").waitFor();
  assert.equal(await call(address, `${APP}.default.svc.cluster.local`), "two");
  await page.getByRole("log").getByText("was asked for").waitFor();
  await look(page, "mouse-app");

  await page.getByRole("button", { name: "Roll back Revision 1" }).click();
  await look(page, "mouse-confirm");
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Roll back Revision 1" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Roll back" }).click();
  await page.getByText("rollback to 1").waitFor();
  await page.locator(".state .badge.available").waitFor();
  assert.equal(await call(address, `${APP}.default.svc.cluster.local`), "one");

  await page.getByLabel("Language").selectOption("ko");
  await page.getByRole("heading", { name: "앱 로그" }).waitFor();
  assert.equal(await page.evaluate("document.documentElement.lang"), "ko");
  await page.emulateMedia({ colorScheme: "dark" });
  await look(page, "mouse-app-korean-dark");
  await page.reload();
  await page.getByRole("heading", { name: "앱 로그" }).waitFor();
  await page.getByRole("img", { name: /^5분마다의 요청 수/ }).waitFor();
  await page.getByText(/^요청 \d+건, 오류 0건, 평균 [\d.]+\s?ms$/).waitFor();
  await look(page, "mouse-app-again");
});
await end();
