/** Small parts that several views show. */

import { named, t } from "./language.js";
import { html, useEffect, useLayoutEffect, useRef } from "./view.js";

/** @typedef {import("./api.js").Refusal} Refusal */

/**
 * The heading of a view, which takes the focus when the view is opened: a screen reader says where the reader is now.
 *
 * @param {{children?: any, focus?: boolean}} props
 */
export function Heading({ children }) {
  const heading = /** @type {{current: HTMLElement | null}} */ (useRef(null));
  useLayoutEffect(() => {
    document.title = `${heading.current?.textContent} – Blue FaaS`;
    if (document.activeElement === document.body || document.activeElement?.closest("nav, main")) {
      heading.current?.focus();
    }
  }, []);
  return html`<h1 tabindex="-1" ref=${heading}>${children}</h1>`;
}

/**
 * What keeps a view from its data, as the API says it.
 *
 * @param {{of: Refusal | null}} props
 */
export function Problem({ of }) {
  if (of === null) return null;
  const said = of.message || (of.status === 0 ? t("problem.no_answer") : `HTTP ${of.status}`);
  return html`<div class="problem" role="alert">
    <span lang=${of.message ? "en" : undefined}>${said}</span>
    ${of.mayPass && html` ${of.retryAfter === null ? t("problem.again") : t("problem.again_in", { seconds: of.retryAfter })}`}
  </div>`;
}

/** @param {{group: string, value: string}} props */
export function Badge({ group, value }) {
  return html`<span class="badge ${value}">${named(group, value)}</span>`;
}

/**
 * A question before something is done that cannot be taken back.
 *
 * @param {{question: string, action: string, done: (yes: boolean) => void}} props
 */
export function Confirm({ question, action, done }) {
  const dialog = /** @type {{current: HTMLDialogElement | null}} */ (useRef(null));
  useLayoutEffect(() => dialog.current?.showModal(), []);
  return html`<dialog ref=${dialog} aria-labelledby="question" onClose=${() => done(dialog.current?.returnValue === "yes")}>
    <p id="question">${question}</p>
    <div class="actions">
      <button type="button" onClick=${() => dialog.current?.close("no")}>${t("confirm.no")}</button>
      <button type="button" class="danger" onClick=${() => dialog.current?.close("yes")}>${action}</button>
    </div>
  </dialog>`;
}

/**
 * Names and values.
 *
 * @param {{of: [string, any][]}} props  those without a value are left out
 */
export function Facts({ of }) {
  const given = of.filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false);
  return html`<dl>${given.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/**
 * Lines as they were printed. Who has scrolled to the end stays there.
 *
 * @param {{label: string, lines: string[] | null, empty: string}} props
 */
export function Log({ label, lines, empty }) {
  const box = /** @type {{current: HTMLElement | null}} */ (useRef(null));
  const atEnd = useRef(true);
  useEffect(() => {
    if (box.current && atEnd.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines?.length]);
  const look = () => {
    const { scrollTop = 0, scrollHeight = 0, clientHeight = 0 } = box.current ?? {};
    atEnd.current = scrollTop + clientHeight >= scrollHeight - 8;
  };
  return html`<pre role="log" aria-live="off" aria-label=${label} tabindex="0" ref=${box} onScroll=${look}>${
    lines?.length ? lines.join("\n") : empty
  }</pre>`;
}
