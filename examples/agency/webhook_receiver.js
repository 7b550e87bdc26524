// Takes an agency's webhooks: checks the signature, keeps the event, and only then answers with 2xx.
//
//   npm install && WEBHOOK_SECRET=whsec_… node webhook_receiver.js
//
// HOST and PORT: where it listens (127.0.0.1, 8788). KEEP_IN: the file of events, a line of JSON each (webhook-node.jsonl).
// In the world a proxy with a certificate stands before it: webhooks are posted by https alone.
"use strict";

const fs = require("node:fs");
const http = require("node:http");
const { HTTP } = require("cloudevents");
const { Webhook } = require("standardwebhooks");

const LARGEST_BODY = 1048576;

const secret = (process.env.WEBHOOK_SECRET || "").trim(); // a pasted secret may have blanks around it
if (!secret.startsWith("whsec_")) {
  console.error("WEBHOOK_SECRET is not set to a secret, whsec_…, as the registration of the webhook answers it");
  process.exit(1);
}
const webhook = new Webhook(secret);
const file = fs.openSync(process.env.KEEP_IN || "webhook-node.jsonl", "a+");
const ids = idsKept();

// Return the ids of what is kept. If we died in the middle of a line, that is cut off: nobody was told that it is kept.
function idsKept() {
  const bytes = fs.readFileSync(file);
  const whole = bytes.subarray(0, bytes.lastIndexOf(10) + 1);
  fs.ftruncateSync(file, whole.length);
  const lines = whole.toString().split("\n").filter(Boolean);
  return new Set(lines.map((line) => JSON.parse(line).id));
}

// Add an event, and return when it is on the disk; false: it was there already.
function keep(event) {
  if (ids.has(event.id)) return false;
  const { size } = fs.fstatSync(file);
  try {
    fs.writeSync(file, JSON.stringify(event) + "\n");
    fs.fsyncSync(file);
  } catch (error) {
    fs.ftruncateSync(file, size);
    throw error;
  }
  ids.add(event.id);
  return true;
}

// Take one request and return the status to answer with.
function take(headers, body) {
  try {
    // Over the bytes as they came: JSON that was read and written again has another signature.
    webhook.verify(body, headers);
  } catch (error) {
    console.error(`refused: ${error.message}`);
    return 401;
  }
  try {
    const event = HTTP.toEvent({ headers, body: body.toString() });
    if (keep(event)) console.log(event.type, event.subject, event.sequence || "-", event.id);
    return 204;
  } catch (error) {
    console.error(`not kept: ${error.message}`);
    return 500; // it will come again
  }
}

const server = http.createServer((request, response) => {
  const pieces = [];
  let size = 0;
  request.on("data", (piece) => {
    size += piece.length;
    if (size <= LARGEST_BODY) pieces.push(piece);
  });
  request.on("end", () => {
    const status = size > LARGEST_BODY ? 413 : take(request.headers, Buffer.concat(pieces));
    response.writeHead(status).end();
  });
});
server.listen(Number(process.env.PORT || 8788), process.env.HOST || "127.0.0.1");
