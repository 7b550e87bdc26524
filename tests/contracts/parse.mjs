// Judges an AsyncAPI document on standard input with the AsyncAPI project's own parser, and prints what it finds as JSON.
// NODE_PATH does not work for modules, so the folder of the packages is the first argument.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(`${process.argv[2]}/`);
const { Parser } = require("@asyncapi/parser");
const { document, diagnostics } = await new Parser().parse(readFileSync(0, "utf8"));
const counts = document && {
  version: document.version(),
  channels: document.channels().length,
  operations: document.operations().length,
  messages: document.messages().length,
};
process.stdout.write(JSON.stringify({ counts: counts ?? null, diagnostics }));
