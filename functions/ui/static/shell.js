/** The frame of every view: where the reader is, and the way elsewhere. */

import { App } from "./app.js";
import { Apps } from "./apps.js";
import { LANGUAGES, language, t } from "./language.js";
import { to } from "./router.js";
import { Task } from "./task.js";
import { Tasks } from "./tasks.js";
import { Upload } from "./upload.js";
import { html, useState } from "./view.js";

/** @typedef {import("../types.js").View} View */

const VIEWS = { upload: Upload, tasks: Tasks, task: Task, apps: Apps, app: App };
const STORED = "blue.namespace";

/**
 * @param {{
 *   config: import("./session.js").Config,
 *   caller: import("../types.js").Caller,
 *   route: import("./router.js").Route,
 *   onLanguage: (chosen: import("./language.js").Language) => void,
 * }} props
 */
export function Shell({ config, caller, route, onLanguage }) {
  const [news, setNews] = useState("");
  const { workspace, view } = route;
  const own = caller.workspaces.find((each) => each.workspace_id === workspace)?.namespaces ?? [];
  if (route.namespace) localStorage.setItem(STORED, route.namespace);
  const namespace = route.namespace ?? localStorage.getItem(STORED) ?? config.namespace ?? own[0] ?? "default";
  const areas = [
    { name: t("upload.title"), fragment: to(workspace, "upload"), views: ["upload"] },
    { name: t("tasks.title"), fragment: to(workspace, "tasks"), views: ["tasks", "task"] },
    { name: t("apps.title"), fragment: to(workspace, "apps", namespace), views: ["apps", "app"] },
  ].slice(0, config.deploys ? 3 : 2);
  const props = { config, caller, route, namespace, namespaces: own, onNews: setNews };
  return html`
    <a class="skip" href="#content" onClick=${skip}>${t("skip")}</a>
    <header>
      <strong>Blue FaaS</strong>
      <nav aria-label=${t("nav")}>
        ${areas.map(({ name, fragment, views }) => html`
          <a key=${fragment} href=${fragment} aria-current=${views.includes(view) ? "page" : undefined}>${name}</a>`)}
      </nav>
      <${Workspace} caller=${caller} workspace=${workspace} key=${workspace} />
      <label>${t("language")}
        <select value=${language()} onChange=${(/** @type {any} */ event) => onLanguage(event.currentTarget.value)}>
          ${Object.entries(LANGUAGES).map(([code, name]) => html`<option key=${code} value=${code} lang=${code}>${name}</option>`)}
        </select>
      </label>
    </header>
    <main id="content" tabindex="-1"><${VIEWS[view]} key=${JSON.stringify(route)} ...${props} /></main>
    <footer><span>${caller.caller}</span> ${config.access !== "key" && html`<a href="/docs">${t("api")}</a>`}</footer>
    <div class="unseen" role="status">${news}</div>
  `;
}

/** @param {Event} event */
function skip(event) {
  event.preventDefault();
  document.getElementById("content")?.focus();
}

/** @param {{caller: import("../types.js").Caller, workspace: string}} props */
function Workspace({ caller, workspace }) {
  const go = (/** @type {any} */ event) => {
    if (event.currentTarget.value) location.hash = to(event.currentTarget.value, "tasks");
  };
  const own = caller.workspaces.map((each) => each.workspace_id);
  return html`<label>${t("workspace")} ${caller.tenancy === "open"
    ? html`<input value=${workspace} onChange=${go} maxlength="63" spellcheck=${false} autocomplete="off" />`
    : html`<select value=${workspace} onChange=${go}>${own.map((id) => html`<option key=${id}>${id}</option>`)}</select>`}
  </label>`;
}
