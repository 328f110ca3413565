/** The apps of a namespace. */

import { get, path } from "./api.js";
import { useFeed } from "./feed.js";
import { count, t } from "./language.js";
import { Badge, Heading, Problem } from "./parts.js";
import { to } from "./router.js";
import { html } from "./view.js";

const PAUSE = 5;

/**
 * The query that says whose apps are meant: where everybody may use every workspace, all of the namespace.
 *
 * @param {import("../types.js").View} view
 */
export function whose({ caller, route }) {
  return { workspace_id: caller.tenancy === "policy" ? route.workspace : null };
}

/** @param {import("../types.js").View} props */
export function Apps(props) {
  const { route, namespaces } = props;
  const namespace = /** @type {string} */ (route.namespace);
  const { value, problem } = useFeed(async (signal) => {
    const list = /** @type {import("../types.js").AppList} */ (await get(path("apps"), { namespace, ...whose(props) }, signal));
    return { value: list.apps, pause: PAUSE };
  }, [namespace, route.workspace]);
  const go = (/** @type {any} */ event) => {
    if (event.currentTarget.value) location.hash = to(route.workspace, "apps", event.currentTarget.value);
  };
  return html`
    <${Heading}>${t("apps.title")}<//>
    <p><label>${t("namespace")}
      <input value=${namespace} onChange=${go} list="namespaces" maxlength="63" spellcheck=${false} autocomplete="off" />
      <datalist id="namespaces">${namespaces.map((each) => html`<option key=${each} value=${each} />`)}</datalist>
    </label></p>
    <${Problem} of=${problem} />
    ${value === null && problem === null && html`<p>${t("loading")}</p>`}
    ${value?.length === 0 && html`<p>${t("apps.none")}</p>`}
    <ul class="rows">${value?.map((app) => html`<li key=${app.app_name}>
      <${Badge} group="available" value=${String(app.available)} />
      <a href=${to(route.workspace, "apps", namespace, app.app_name)}>${app.app_name}</a>
      <span>${t("apps.summary", { revision: count(app.revision), ready: count(app.ready_replicas) })}</span>
      <code class="line">${app.image}</code>
    </li>`)}</ul>`;
}
