/** What stands in the place of the page while nobody is signed in, or the service does not answer. */

import { t } from "./language.js";
import { SignInError, begin } from "./oidc.js";
import { html } from "./view.js";

/** @param {{config: import("./session.js").Config | null, text?: string, error?: unknown}} props */
export function Gate({ config, text, error }) {
  const signIn = config?.sign_in;
  const [action, act] = signIn ? [t("sign_in.action"), () => begin(signIn)] : [t("again"), () => location.reload()];
  return html`<main class="gate">
    <h1>Blue FaaS</h1>
    <p role="alert">${text ?? reason(error)}</p>
    <button type="button" class="primary" onClick=${act}>${action}</button>
  </main>`;
}

/** @param {unknown} error */
function reason(error) {
  if (error instanceof SignInError) return t(`sign_in.error.${error.code}`, { detail: error.detail });
  const said = error instanceof Error ? error.message : "";
  return t("problem.start", { detail: said || t("problem.no_answer") });
}
