/** Where the page is: all of it is in the fragment of its address, so that links and the back button work. */

/**
 * @typedef {object} Route
 * @property {string} workspace
 * @property {"upload" | "tasks" | "task" | "apps" | "app"} view
 * @property {string} [task]
 * @property {string} [namespace]
 * @property {string} [app]
 */

/**
 * The route that a fragment means: `#/workspace/tasks/id`, `#/workspace/apps/namespace/app`.
 *
 * @param {string} fragment
 * @returns {Route | null}  null where it means none
 */
export function parse(fragment) {
  const parts = fragment.replace(/^#\/?/, "").split("/").map(decoded);
  if (parts.some((part) => !part)) return null;
  const [workspace, area, first, second] = /** @type {string[]} */ (parts);
  if (area === "upload" && parts.length === 2) return { workspace, view: "upload" };
  if (area === "tasks" && parts.length === 2) return { workspace, view: "tasks" };
  if (area === "tasks" && parts.length === 3) return { workspace, view: "task", task: first };
  if (area === "apps" && parts.length === 3) return { workspace, view: "apps", namespace: first };
  if (area === "apps" && parts.length === 4) return { workspace, view: "app", namespace: first, app: second };
  return null;
}

/**
 * The fragment that leads somewhere.
 *
 * @param {...string} parts
 */
export function to(...parts) {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

/** @param {string} part */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}
