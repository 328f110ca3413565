/** Signing in at an issuer, and what comes of a sign-in that ends or was not asked for. */

import assert from "node:assert/strict";

import { address, end, look, travel } from "./browser.js";

const UNAUTHORIZED = /status of 401/;

await travel({ viewport: { width: 800, height: 700 } }, async (page) => {
  const wanted = `${address}/ui#/my-workspace/upload`;
  await page.goto(wanted);
  await page.getByText("Sign in to see your tasks and apps.").waitFor();
  await look(page, "sign-in-wanted");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByLabel("Subject").waitFor();
  assert.equal(new URL(page.url()).searchParams.get("code_challenge_method"), "S256");
  await page.getByLabel("Subject").fill("dana");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Upload" }).waitFor();
  assert.equal(page.url(), wanted);
  await page.getByText("dana").waitFor();
  await look(page, "sign-in-done");
  const stored = await page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])");
  assert.doesNotMatch(stored, /eyJ/);

  // A token that the API takes no more: it asks who calls again, and the page says so.
  await page.route("**/api/v1/workspaces/**", (/** @type {any} */ route) => route.continue({
    headers: { ...route.request().headers(), authorization: "Bearer x" },
  }));
  await page.getByRole("link", { name: "Tasks" }).click();
  await page.getByText("Your sign-in has ended.").waitFor();
  await look(page, "sign-in-over");

  await page.goto(`${address}/ui?code=stolen&state=made-up`);
  await page.getByText("This answer is to no sign-in of this tab.").waitFor();
  assert.equal(page.url(), `${address}/ui`);
}, UNAUTHORIZED);
await end();
