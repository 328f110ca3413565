/** `blue ui` under signatures: with its key the page works, in another tab it does not. */

import assert from "node:assert/strict";
import { env } from "node:process";

import { address, end, look, travel } from "./browser.js";

await travel({ viewport: { width: 800, height: 700 } }, async (page) => {
  await page.goto(address);
  await page.getByRole("heading", { name: "Tasks" }).waitFor();
  assert.doesNotMatch(page.url(), /key=/);
  await page.getByRole("link", { name: "Upload" }).first().click();
  await page.getByLabel("File").setInputFiles(/** @type {string} */ (env.SOURCE));
  await page.getByLabel("Deploy it after the build").uncheck();
  await page.getByRole("button", { name: "Build" }).click();
  await page.getByRole("heading", { name: "Build of app" }).waitFor();
  await page.getByRole("log").waitFor();
  await look(page, "key-task");
  await page.reload();
  await page.getByRole("heading", { name: "Build of app" }).waitFor();
});
await travel({}, async (page) => {
  await page.goto(address.replace(/#.*/, ""));
  await page.getByText("Open the address that `blue ui` has printed").waitFor();
  await look(page, "key-missing");
});
await end();
