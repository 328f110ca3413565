/** What a browser has and Node.js has not, as far as the page's modules ask for it. */

class Storage extends Map {
  getItem(/** @type {string} */ name) {
    return this.get(name) ?? null;
  }
  setItem(/** @type {string} */ name, /** @type {string} */ value) {
    this.set(name, value);
  }
  removeItem(/** @type {string} */ name) {
    this.delete(name);
  }
}

/** @param {string} name @param {unknown} value */
export function put(name, value) {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}

put("localStorage", new Storage());
put("sessionStorage", new Storage());
put("navigator", { language: "en-GB" });
put("location", { origin: "https://api.example.com", hash: "", pathname: "/ui" });
put("document", Object.assign(new EventTarget(), { visibilityState: "visible", documentElement: {} }));
