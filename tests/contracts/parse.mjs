// Judges AsyncAPI documents, one a line on standard input, with the AsyncAPI project's own parser, and prints a line of JSON for each.
// NODE_PATH does not work for modules, so the folder of the packages is the first argument.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(`${process.argv[2]}/`);
const { Parser } = require("@asyncapi/parser");
for await (const line of createInterface({ input: process.stdin })) {
  const { document, diagnostics } = await new Parser().parse(line);
  const counts = document && {
    version: document.version(),
    channels: document.channels().length,
    operations: document.operations().length,
    messages: document.messages().length,
  };
  process.stdout.write(`${JSON.stringify({ counts: counts ?? null, diagnostics })}\n`);
}
