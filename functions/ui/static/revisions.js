/** The history of an app, and the way back in it. */

import { ago, count, t, time } from "./language.js";
import { html } from "./view.js";

/** @param {{of: import("../types.js").Revision[], onRollBack: (revision: number) => void}} props */
export function Revisions({ of, onRollBack }) {
  return html`<ul class="rows">${of.map((each) => html`<li key=${each.revision}>
    <strong>${t("revision", { revision: count(each.revision) })}</strong>
    ${each.current && html`<span class="badge done">${t("revision.current")}</span>`}
    ${each.rollback_of && html`<span>${t("revision.rollback_of", { revision: count(each.rollback_of) })}</span>`}
    ${each.deployed_at && html`<time datetime=${each.deployed_at} title=${time(each.deployed_at)}>${ago(each.deployed_at)}</time>`}
    ${!each.current && html`<button type="button" onClick=${() => onRollBack(each.revision)}>
      ${t("app.rollback")}<span class="unseen"> ${t("revision", { revision: count(each.revision) })}</span></button>`}
    <span class="line">${each.deployed_by} <code>${each.image}</code></span>
  </li>`)}</ul>`;
}
