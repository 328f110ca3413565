/** Sends a file: chosen, or dropped on the page. */

import { Refusal, path, postForm } from "./api.js";
import { size, t } from "./language.js";
import { Heading, Problem } from "./parts.js";
import { to } from "./router.js";
import { html, useRef, useState } from "./view.js";

const FORM_BYTES = 4096;

/** @param {import("../types.js").View} props */
export function Upload({ config, route, namespace, namespaces }) {
  const [file, setFile] = useState(/** @type {File | null} */ (null));
  const [isOver, setOver] = useState(false);
  const [isSending, setSending] = useState(false);
  const [problem, setProblem] = useState(/** @type {Refusal | null} */ (null));
  const [name, setName] = useState("");
  const [deploys, setDeploys] = useState(config.deploys);
  const key = useRef("");
  const button = /** @type {{current: HTMLButtonElement | null}} */ (useRef(null));
  const most = config.request_bytes - FORM_BYTES;

  const take = (/** @type {FileList | null | undefined} */ files) => {
    const chosen = files?.[0] ?? null;
    setProblem(chosen && chosen.size > most ? new Refusal(413, t("upload.too_large", { most: size(most) })) : null);
    setFile(chosen);
    if (chosen) setName(appNameOf(chosen.name));
    key.current = crypto.randomUUID();
  };
  const drop = (/** @type {DragEvent} */ event) => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer?.files);
    button.current?.focus();
  };
  const send = async (/** @type {any} */ event) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    const form = new FormData();
    form.set("workspace_id", route.workspace);
    form.set("file", /** @type {File} */ (file));
    if (name) form.set("app_name", name);
    if (deploys) form.set("deploy", JSON.stringify({ namespace: given.get("namespace"), app_name: name || null }));
    setSending(true);
    setProblem(null);
    try {
      const created = await postForm(path("build-and-push"), form, key.current);
      location.hash = to(route.workspace, "tasks", created.task_id);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      setSending(false);
      setProblem(error);
    }
  };
  return html`
    <${Heading}>${t("upload.title")}<//>
    <form onSubmit=${send} class=${isOver ? "drop over" : "drop"}
      onDragOver=${(/** @type {Event} */ event) => (event.preventDefault(), setOver(true))}
      onDragLeave=${() => setOver(false)} onDrop=${drop}>
      <label>${t("upload.file")}
        <input type="file" accept=".py,.zip" aria-describedby="hint"
          onChange=${(/** @type {any} */ event) => take(event.currentTarget.files)} />
      </label>
      <p id="hint">${file ? t("upload.chosen", { name: file.name, size: size(file.size) }) : t("upload.hint")}</p>
      <label>${t("upload.app_name")}
        <input value=${name} maxlength="63" spellcheck=${false} autocomplete="off"
          onInput=${(/** @type {any} */ event) => setName(event.currentTarget.value)} />
      </label>
      ${config.deploys && html`
        <label class="check"><input type="checkbox" checked=${deploys}
          onChange=${(/** @type {any} */ event) => setDeploys(event.currentTarget.checked)} /> ${t("upload.deploy")}</label>`}
      ${deploys && html`<label>${t("namespace")}
        <input name="namespace" defaultValue=${namespace} list="namespaces" required spellcheck=${false} autocomplete="off" />
        <datalist id="namespaces">${namespaces.map((each) => html`<option key=${each} value=${each} />`)}</datalist>
      </label>`}
      <${Problem} of=${problem} />
      <button class="primary" ref=${button} disabled=${file === null || file.size > most || isSending}>
        ${t(isSending ? "upload.sending" : "upload.send")}
      </button>
    </form>`;
}

/**
 * A name that both a build and a cluster take, from a file's.
 *
 * @param {string} file
 */
export function appNameOf(file) {
  const stem = file.replace(/\.[^.]*$/, "").toLowerCase();
  return stem.replace(/[^a-z0-9]+/g, "-").slice(0, 40).replace(/^[-0-9]+|-+$/g, "");
}
