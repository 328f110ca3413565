/** One task: where it is, what it found, its log while it is written. */

import { Refusal, get, path, remove } from "./api.js";
import { useFeed } from "./feed.js";
import { count, named, seconds, size, t, time } from "./language.js";
import { Badge, Confirm, Facts, Heading, Log, Problem } from "./parts.js";
import { to } from "./router.js";
import { isRunning } from "./tasks.js";
import { html, useEffect, useState } from "./view.js";

/** @typedef {import("../types.js").Task} TaskState */

const LONG_POLL = 20;
const PAUSE = 1;

/** @param {import("../types.js").View} props */
export function Task({ config, route, onNews }) {
  const id = /** @type {string} */ (route.task);
  const query = { workspace_id: route.workspace };
  const [isAsked, setAsked] = useState(false);
  const [refused, setRefused] = useState(/** @type {Refusal | null} */ (null));
  const { value: task, problem, again } = useFeed(async (signal) => {
    const value = /** @type {TaskState} */ (await get(path("tasks", id), query, signal));
    return { value, pause: isRunning(value) ? PAUSE : null };
  }, [id]);
  const log = useFeed(async (signal, before) => {
    const next = before?.next ?? null;
    const part = await get(path("tasks", id, "logs"), { ...query, next, wait: LONG_POLL }, signal);
    const lines = [...(before?.lines ?? []), ...part.lines.map((/** @type {any} */ line) => line.message)];
    return { value: { lines, next: part.next }, pause: part.next === null ? null : 0 };
  }, [id]);
  useEffect(() => {
    if (task) onNews(`${task.app_name ?? t("task.title")}: ${named("status", task.status)}`);
  }, [task?.status]);

  const cancel = async (/** @type {boolean} */ isMeant) => {
    setAsked(false);
    if (!isMeant) return;
    try {
      await remove(path("tasks", id), query);
      again();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      setRefused(error);
    }
  };
  return html`
    <p><a href=${to(route.workspace, "tasks")}>${t("tasks.title")}</a></p>
    <${Heading}>${t("task.title")} ${task?.app_name ?? id.slice(0, 13)}<//>
    <${Problem} of=${problem ?? refused} />
    ${task && html`
      <p class="state"><${Badge} group="status" value=${task.status} /> ${now(task)}</p>
      <${Findings} task=${task} />
      <${Outcome} task=${task} route=${route} shows=${config.deploys} />
      <${Facts} of=${[
        [t("task.id"), html`<code>${task.task_id}</code>`],
        [t("task.created"), task.created_at && time(task.created_at)],
        [t("task.updated"), task.updated_at && time(task.updated_at)],
      ]} />
      ${isRunning(task) && html`<p><button type="button" onClick=${() => setAsked(true)}>${t("task.cancel")}</button></p>`}`}
    <h2>${t("task.log")}</h2>
    ${!task?.error && html`<${Problem} of=${log.problem} />`}
    <${Log} label=${t("task.log")} lines=${log.value?.lines} empty=${t(log.value?.next === null ? "log.none" : "log.waiting")} />
    ${isAsked && html`<${Confirm} question=${t("task.cancel_question")} action=${t("task.cancel")} done=${cancel} />`}`;
}

/** What a running task does now. @param {TaskState} task */
function now(task) {
  if (task.queued && task.queued_ahead) return t("task.queued_behind", { count: count(task.queued_ahead) });
  if (!task.step) return task.queued ? t("task.queued") : "";
  const lasted = (Date.now() - Date.parse(task.step_started_at ?? "")) / 1000;
  return lasted >= 1 ? t("task.step", { step: named("step", task.step), time: seconds(Math.round(lasted)) }) : named("step", task.step);
}

/** @param {{task: TaskState}} props */
function Findings({ task }) {
  if (!task.error) return null;
  const errors = task.errors ?? [];
  return html`<section aria-labelledby="findings">
    <h2 id="findings">${t("task.error")}</h2>
    ${errors.length ? html`<ul class="findings" lang="en">${errors.map((finding, index) => html`<li key=${index}>
        <code>${finding.file}${finding.line ? `:${finding.line}` : ""}</code> ${finding.message}${finding.code ? ` [${finding.code}]` : ""}
      </li>`)}</ul>` : null}
    <pre tabindex="0" lang="en" aria-label=${t("task.error")}>${task.error}</pre>
  </section>`;
}

/** @param {{task: TaskState, route: import("./router.js").Route, shows: boolean}} props */
function Outcome({ task, route, shows }) {
  const { result, deployment } = task;
  const took = Object.values(result?.duration ?? {});
  const name = deployment?.app_name;
  return html`${result && html`<${Facts} of=${[
    [t("task.image"), html`<code>${result.image_url}</code>`],
    [t("task.size"), result.size && size(result.size)],
    [t("task.took"), took.length > 0 && seconds(Math.max(...took))],
    [t("task.cached"), result.cached && t("yes")],
  ]} />`}
  ${deployment && html`<h2>${t("task.deployment")}</h2>
    <p><${Badge} group="deployment" value=${deployment.status} /> ${name && shows
      && html`<a href=${to(route.workspace, "apps", deployment.namespace, name)}>${deployment.namespace}/${name}</a>`}</p>
    ${deployment.error && html`<pre tabindex="0" lang="en" aria-label=${t("task.deployment")}>${deployment.error}</pre>`}`}`;
}
