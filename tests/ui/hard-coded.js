/** Prints texts that stand in a component in place of a dictionary: `node hard-coded.js FILE…`. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { argv, env } from "node:process";

const ts = createRequire(`${env.NODE_MODULES}/`)("typescript");
const SPOKEN = /\b(?:aria-label|alt|placeholder|title)="?[^"\0\s>]/;
const ALLOWED = new Set(["Blue FaaS"]);

/** @param {any} template @returns {string}  without its expressions */
function written(template) {
  if (ts.isNoSubstitutionTemplateLiteral(template)) return template.text;
  return [template.head, ...template.templateSpans.map((/** @type {any} */ span) => span.literal)].map((part) => part.text).join("\0");
}

for (const file of argv.slice(2)) {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
  const look = (/** @type {any} */ node) => {
    if (ts.isTaggedTemplateExpression(node) && node.tag.getText() === "html") {
      const text = written(node.template);
      const shown = text.replace(/<[^>]*>/g, "\0").split("\0").map((part) => part.trim());
      for (const part of shown) if (/\p{Letter}/u.test(part) && !ALLOWED.has(part)) console.log(`${file}: ${part}`);
      if (SPOKEN.test(text)) console.log(`${file}: ${SPOKEN.exec(text)?.[0]}`);
    }
    ts.forEachChild(node, look);
  };
  look(source);
}
