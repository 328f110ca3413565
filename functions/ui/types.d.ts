/** What the page's modules pass to each other. The API's part is made from docs/openapi.json when types are checked. */

import type { components } from "openapi";

import type { Route } from "./static/router.js";
import type { Config } from "./static/session.js";

type Schemas = components["schemas"];

export type AppList = Schemas["AppList"];
export type AppLog = Schemas["AppLog"];
export type AppMetrics = Schemas["AppMetrics"];
export type AppState = Schemas["AppState"];
export type Caller = Schemas["OwnWorkspaces"];
export type Revision = Schemas["RevisionEntry"];
export type RevisionList = Schemas["RevisionList"];
export type Task = Schemas["Task"];
export type TaskPage = Schemas["TaskPage"];

/** What every view is given. */
export interface View {
  config: Config;
  caller: Caller;
  route: Route;
  /** The namespace that was looked at last. */
  namespace: string;
  /** Those that the workspace may deploy to; empty where it may deploy to any. */
  namespaces: string[];
  /** Say something to who cannot see it. */
  onNews: (text: string) => void;
}
