/** What components are written with: Preact's functions, and `html`, which takes the place of JSX. */

import htm from "./vendor/htm.js";
import { h } from "./vendor/preact.js";

export { render } from "./vendor/preact.js";
export { useEffect, useLayoutEffect, useRef, useState } from "./vendor/hooks.js";

export const html = htm.bind(h);
