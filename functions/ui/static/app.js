/** One app: whether it serves, what keeps it from that, its requests, its history, what it prints. */

import { Refusal, get, path, post } from "./api.js";
import { whose } from "./apps.js";
import { useFeed } from "./feed.js";
import { count, named, t } from "./language.js";
import { Badge, Confirm, Facts, Heading, Log, Problem } from "./parts.js";
import { Revisions } from "./revisions.js";
import { to } from "./router.js";
import { Traffic } from "./traffic.js";
import { html, useEffect, useState } from "./view.js";

/** @typedef {import("../types.js").AppState} AppState */

const WHILE_CHANGING = 2;
const OTHERWISE = 10;
const WHILE_NOT_MEASURED = 15;
const WHILE_MEASURED = 60;
const LONG_POLL = 20;
const FIRST_LINES = 100;
const MOST_LINES = 1000;

/** @param {import("../types.js").View} props */
export function App(props) {
  const { route, onNews } = props;
  const [namespace, name] = /** @type {[string, string]} */ ([route.namespace, route.app]);
  const query = whose(props);
  const own = (/** @type {string[]} */ ...parts) => path("apps", namespace, name, ...parts);
  const [wanted, setWanted] = useState(/** @type {number | null} */ (null));
  const [refused, setRefused] = useState(/** @type {Refusal | null} */ (null));
  const { value: app, problem, again } = useFeed(async (signal) => {
    const value = /** @type {AppState} */ (await get(own(), query, signal));
    return { value, pause: value.status === "progressing" ? WHILE_CHANGING : OTHERWISE };
  }, [namespace, name]);
  const revisions = useFeed(async (signal) => {
    const value = /** @type {import("../types.js").RevisionList} */ (await get(own("revisions"), query, signal));
    return { value: value.revisions, pause: null };
  }, [namespace, name, app?.revision]);
  const log = useFeed(async (signal, before) => {
    const since = before?.next ?? null;
    const part = /** @type {import("../types.js").AppLog} */ (
      await get(own("logs"), { ...query, tail: since ? null : FIRST_LINES, since, wait: since ? LONG_POLL : null }, signal));
    const lines = [...(before?.lines ?? []), ...part.lines.map((line) => `${line.replica} ${line.message}`)];
    return { value: { lines: lines.slice(-MOST_LINES), next: part.next }, pause: part.next === null ? WHILE_CHANGING : 1 };
  }, [namespace, name]);
  const metrics = useFeed(async (signal) => {
    const value = /** @type {import("../types.js").AppMetrics} */ (await get(own("metrics"), query, signal));
    return { value, pause: value.requests === null ? WHILE_NOT_MEASURED : WHILE_MEASURED };
  }, [namespace, name]);
  useEffect(() => {
    if (app) onNews(`${name}: ${named("app", app.status)}`);
  }, [app?.status, app?.revision]);

  const rollBack = async (/** @type {boolean} */ isMeant) => {
    const revision = wanted;
    setWanted(null);
    if (!isMeant) return;
    setRefused(null);
    try {
      const restored = await post(own("rollback"), { revision }, query);
      onNews(t("app.rolled_back", { revision: restored.revision }));
      again();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      setRefused(error);
    }
  };
  return html`
    <p><a href=${to(route.workspace, "apps", namespace)}>${t("apps.title")}</a></p>
    <${Heading}>${t("app.title")} ${namespace}/${name}<//>
    <${Problem} of=${refused ?? problem} />
    ${app && html`
      <p class="state"><${Badge} group="app" value=${app.status} /> ${t("app.replicas", {
        ready: count(app.replicas.ready), desired: count(app.replicas.desired ?? 0) })}</p>
      <${Problems} app=${app} />
      <${Facts} of=${[
        [t("app.revision"), count(app.revision)],
        [t("app.image"), html`<code>${app.image}</code>`],
        [t("app.url"), app.url && html`<a href=${app.url} rel="noreferrer">${app.url}</a>`],
        [t("app.endpoint"), html`<code>${`http://${app.endpoint}/`}</code>`],
        [t("app.autoscaling"), app.autoscaling && t("app.autoscaling_value", {
          min: app.autoscaling.min_replicas, max: app.autoscaling.max_replicas, cpu: app.autoscaling.current_cpu ?? "–" })],
      ]} />`}
    <h2>${t("traffic.title")}</h2>
    <${Problem} of=${metrics.problem} />
    ${metrics.value && html`<${Traffic} of=${metrics.value} />`}
    <h2>${t("app.revisions")}</h2>
    <${Problem} of=${revisions.problem} />
    <${Revisions} of=${revisions.value ?? []} onRollBack=${setWanted} />
    <h2>${t("app.log")}</h2>
    <${Problem} of=${log.problem} />
    <${Log} label=${t("app.log")} lines=${log.value?.lines} empty=${t("log.none")} />
    ${wanted !== null && html`<${Confirm} question=${t("app.rollback_question", { name, revision: wanted })}
      action=${t("app.rollback")} done=${rollBack} />`}`;
}

/** @param {{app: AppState}} props */
function Problems({ app }) {
  const problems = app.problems.map(({ pod, reason, message }) => `${pod}: ${reason}: ${message}`);
  const all = app.error ? [app.error, ...problems] : problems;
  return all.length > 0 && html`<section aria-labelledby="problems">
    <h2 id="problems">${t("app.problems")}</h2>
    <ul class="findings" lang="en">${all.map((text) => html`<li key=${text}>${text}</li>`)}</ul>
  </section>`;
}
