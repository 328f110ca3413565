/** The page's small rules: addresses, names, errors as the API says them, texts in both languages. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { put } from "./globals.js";

const { get, path, textOf } = await import("../../functions/ui/static/api.js");
const { choose, named, t } = await import("../../functions/ui/static/language.js");
const { parse, to } = await import("../../functions/ui/static/router.js");
const { appNameOf } = await import("../../functions/ui/static/upload.js");
const { default: en } = await import("../../functions/ui/static/texts/en.js");
const { default: ko } = await import("../../functions/ui/static/texts/ko.js");

test("an address leads where it was made for", () => {
  for (const [parts, view] of /** @type {[string[], string][]} */ ([
    [["w", "upload"], "upload"],
    [["w", "tasks"], "tasks"],
    [["팀/a", "tasks", "1"], "task"],
    [["w", "apps", "default"], "apps"],
    [["w", "apps", "default", "a?b"], "app"],
  ])) {
    const route = parse(to(...parts));
    assert.equal(route?.view, view);
    assert.equal(route?.workspace, parts[0]);
    assert.equal(route?.task ?? route?.app ?? "", ["task", "app"].includes(view) ? parts.at(-1) : "");
  }
});

test("an address that means nothing is none", () => {
  for (const fragment of ["", "#", "#/", "#/w", "#/w/x", "#/w/apps", "#/w//1", "#/%/tasks", "#/w/tasks/1/2", "#key=a"]) {
    assert.equal(parse(fragment), null, fragment);
  }
});

test("a file's name becomes one that a cluster takes", () => {
  const names = { "app.py": "app", "My App.v2.zip": "my-app-v2", "한글.py": "", "9-lives.py": "lives", "-a-.py": "a" };
  for (const [file, name] of Object.entries(names)) assert.equal(appNameOf(file), name);
  assert.ok(appNameOf(`${"a".repeat(90)}.py`).length <= 63);
});

test("an error is what the API says", async () => {
  assert.equal(textOf({ detail: "no" }), "no");
  assert.equal(textOf({ message: "Forbidden" }), "Forbidden");
  assert.equal(textOf({ detail: [{ loc: ["body", "deploy", "namespace"], msg: "is missing" }] }), "deploy.namespace: is missing");
  assert.equal(textOf(null), "");
  put("fetch", async () => new Response('{"detail": "slow down"}', { status: 429, headers: { "Retry-After": "9" } }));
  await assert.rejects(get("/x"), { status: 429, message: "slow down", retryAfter: 9, mayPass: true });
  put("fetch", async () => new Response("<html>", { status: 502 }));
  await assert.rejects(get("/x"), { status: 502, message: "", retryAfter: null, mayPass: true });
  put("fetch", async () => Promise.reject(new TypeError("failed")));
  await assert.rejects(get("/x"), { status: 0, mayPass: true });
  put("fetch", async () => new Response('{"message": "Unauthorized"}', { status: 401 }));
  await assert.rejects(get("/x"), { status: 401, mayPass: false });
});

test("paths and queries are encoded, and what has no value is left out", async () => {
  /** @type {string[]} */
  const asked = [];
  put("fetch", async (/** @type {string} */ url) => (asked.push(url), new Response("{}")));
  await get(path("apps", "a/b", "c d"), { next: null, wait: 20, workspace_id: "한&x" });
  assert.deepEqual(asked, ["/api/v1/apps/a%2Fb/c%20d?wait=20&workspace_id=%ED%95%9C%26x"]);
});

test("both languages have the same texts, with the same places for values", () => {
  assert.deepEqual(Object.keys(ko), Object.keys(en));
  const places = (/** @type {string} */ text) => (text.match(/{\w+}/g) ?? []).sort();
  for (const [key, text] of Object.entries(en)) {
    assert.ok(text && ko[/** @type {keyof typeof en} */ (key)], key);
    assert.deepEqual(places(ko[/** @type {keyof typeof en} */ (key)]), places(text), key);
  }
});

test("a text is in the language that was chosen", () => {
  choose("ko");
  assert.equal(t("tasks.title"), "태스크");
  assert.equal(named("status", "done"), "완료");
  choose("en");
  assert.equal(t("apps.summary", { revision: 3, ready: 1 }), "revision 3, 1 ready");
  assert.equal(named("status", "one-that-is-new"), "one-that-is-new");
});
