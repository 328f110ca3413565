/** Starts the page: who calls, then what the address asks for. */

import { get, path } from "./api.js";
import { Gate } from "./gate.js";
import { choose, language, t } from "./language.js";
import { parse, to } from "./router.js";
import { arrive, onOver, readConfig } from "./session.js";
import { Shell } from "./shell.js";
import { html, render, useEffect, useState } from "./view.js";

/** @typedef {import("./session.js").Config} Config */
/** @typedef {import("../types.js").Caller} Caller */

const STORED = "blue.workspace";

/** @param {{config: Config, caller: Caller}} props */
function Page({ config, caller }) {
  const [route, setRoute] = useState(() => parse(location.hash));
  const [, setChosen] = useState(language());
  useEffect(() => {
    const follow = () => setRoute(parse(location.hash));
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  useEffect(() => {
    if (route === null) location.replace(to(firstWorkspace(config, caller), "tasks"));
    else localStorage.setItem(STORED, route.workspace);
  }, [route]);
  if (route === null) return null;
  const onLanguage = (/** @type {import("./language.js").Language} */ chosen) => {
    choose(chosen);
    setChosen(chosen);
  };
  return html`<${Shell} ...${{ config, caller, route, onLanguage }} />`;
}

/**
 * @param {Config} config
 * @param {Caller} caller
 */
function firstWorkspace(config, caller) {
  const own = caller.workspaces.map((each) => each.workspace_id);
  const wanted = config.workspace_id ?? localStorage.getItem(STORED);
  if (caller.tenancy === "open") return wanted ?? "default";
  return wanted !== null && own.includes(wanted) ? wanted : own[0];
}

/** @param {any} view */
function show(view) {
  render(view, /** @type {HTMLElement} */ (document.getElementById("page")));
}

/** @param {boolean} [isOver]  whether the API does not know the caller any more */
async function start(isOver = false) {
  /** @type {Config | null} */
  let config = null;
  try {
    config = await readConfig();
    if (!(await arrive(config))) {
      const text = t(config.access === "key" ? "sign_in.no_key" : isOver ? "sign_in.over" : "sign_in.wanted");
      return show(html`<${Gate} config=${config} text=${text} />`);
    }
    /** @type {Caller} */
    const caller = await get(path("workspaces"));
    const isNobody = caller.tenancy === "policy" && caller.workspaces.length === 0;
    if (isNobody) return show(html`<${Gate} config=${config} text=${t("sign_in.no_workspace", { caller: caller.caller })} />`);
    show(html`<${Page} config=${config} caller=${caller} />`);
  } catch (error) {
    show(html`<${Gate} config=${config} error=${error} />`);
  }
}

onOver(() => start(true));
start();
