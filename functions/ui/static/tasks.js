/** The tasks of a workspace, newest first. */

import { get, path } from "./api.js";
import { useFeed } from "./feed.js";
import { ago, t, time } from "./language.js";
import { Badge, Heading, Problem } from "./parts.js";
import { to } from "./router.js";
import { html, useState } from "./view.js";

/** @typedef {import("../types.js").Task} TaskState */

const PER_PAGE = 20;
const WHILE_RUNNING = 3;
const OTHERWISE = 15;

/** @param {TaskState} task */
export function isRunning({ status, deployment }) {
  return !["done", "failed"].includes(status) || deployment?.status === "pending";
}

/** @param {import("../types.js").View} props */
export function Tasks({ route }) {
  const [pages, setPages] = useState(1);
  const { value, problem } = useFeed(async (signal) => {
    const tasks = [];
    let next = null;
    for (let page = 0; page < pages && (page === 0 || next); page += 1) {
      const answer = /** @type {import("../types.js").TaskPage} */ (
        await get(path("workspaces", route.workspace, "tasks"), { limit: PER_PAGE, next }, signal));
      tasks.push(...answer.tasks);
      next = answer.next;
    }
    return { value: { tasks, next }, pause: tasks.some(isRunning) ? WHILE_RUNNING : OTHERWISE };
  }, [route.workspace, pages]);
  return html`
    <${Heading}>${t("tasks.title")}<//>
    <${Problem} of=${problem} />
    ${value === null && problem === null && html`<p>${t("loading")}</p>`}
    ${value?.tasks.length === 0 && html`<p>${t("tasks.none")} <a href=${to(route.workspace, "upload")}>${t("upload.title")}</a></p>`}
    <ul class="rows">${value?.tasks.map((task) => html`<li key=${task.task_id}>
      <${Badge} group="status" value=${task.status} />
      <a href=${to(route.workspace, "tasks", task.task_id)}>${task.app_name ?? task.task_id}</a>
      ${task.created_at && html`<time datetime=${task.created_at} title=${time(task.created_at)}>${ago(task.created_at)}</time>`}
      ${task.error && html`<span class="line" lang="en">${task.error.split("\n")[0]}</span>`}
    </li>`)}</ul>
    ${value?.next && html`<button type="button" onClick=${() => setPages(pages + 1)}>${t("tasks.more")}</button>`}`;
}
