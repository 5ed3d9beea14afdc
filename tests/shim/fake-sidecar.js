/** A sidecar of few words, for tests: its one argument says how it behaves. */
import { createInterface } from "node:readline";

const behaviour = process.argv[2] ?? "well";

/** @param {unknown} message */
const write = (message) =>
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...Object(message) })}\n`);

if (behaviour === "crashes at start") {
  process.stderr.write("Traceback (most recent call last):\nModuleNotFoundError: No module named 'httpx'\n");
  process.exit(1);
}
if (behaviour === "ignores the end") setInterval(() => {}, 1_000);
if (behaviour === "writes garbage")
  process.stdout.write('hello\n\n\u0000\n{"jsonrpc": "2.0", "id": 99, "result": 1}\n');

/** @type {any[]} */
const steps = [];
/** @type {any[]} */
const events = [];

/** @type {(answer: any) => void} */
let answered = () => {};

/** @param {object} params @param {(answer: any) => void} then */
function ask(params, then) {
  answered = then;
  write({ id: "asked", method: "http/request", params });
}

/** @param {number} id @param {any} params */
function greet(id, params) {
  const source = behaviour === "übergibt" ? "^übergabe" : "^\\W*handoff\\b";
  const server = { name: "handoff-sidecar", version: "0.1.0", greeting: params };
  const triggerPattern = { source, flags: "iu" };
  write({ id, result: { protocolVersion: 1, server, triggerPattern, watches: behaviour === "watches" } });
}

/** @type {Record<string, (id: number, params: any) => void>} */
const answers = {
  initialize(id, params) {
    if (behaviour === "is silent") return;
    if (behaviour === "speaks another protocol")
      return void write({
        id,
        error: { code: -32001, message: "the plugin speaks protocol 1 and the sidecar 2" },
      });
    const { directory, openCode } = params;
    ask({ directory, method: "GET", path: "/global/health", headers: {} }, (answer) => {
      const { version = null } = JSON.parse(answer?.body ?? "{}");
      const isOld = version?.startsWith("1.14") || (openCode.looksNew === false && version === null);
      if (isOld) write({ id, result: { protocolVersion: 1, refusal: `${version} is too old` } });
      else greet(id, params);
    });
  },
  "tool/call"(id, params) {
    if (behaviour === "dies in a call") {
      process.stderr.write("MemoryError\n");
      process.exit(3);
    }
    if (behaviour === "never answers a call" || behaviour === "answers a cancel") return;
    if (behaviour === "refuses a call") {
      return void write({ id, error: { code: -32020, message: "session_handoff: `summary` is missing" } });
    }
    const seen = { steps, events };
    const metadata = {
      pid: process.pid,
      command: process.argv.slice(3),
      password: process.env.OPENCODE_SERVER_PASSWORD ?? null,
      params,
      seen,
    };
    write({ id, result: { title: "Handoff: Auth flow", output: "Handed off.", metadata } });
  },
  "message/received"(id, params) {
    if (behaviour === "is deaf to a trigger") return;
    const { sessionID, messageID, text, partIDs } = params;
    const part = { id: `${partIDs.at(-1)}1`, sessionID, messageID, type: "text", synthetic: true };
    const isTrigger = !text.includes("broken");
    write({ id, result: { part: isTrigger ? { ...part, text: `call session_handoff: ${text}` } : null } });
  },
  "directory/opened"(id) {
    write({ id, result: { floors: { "scripted/m1": 1_000 } } });
  },
  "session/mark"(id, params) {
    events.push(params);
    write({ id, result: null });
  },
  "session/arrival"(id, params) {
    events.push(params);
    write({ id, result: null });
  },
  "session/step"(id, params) {
    steps.push(params);
    const part = { id: `${params.partIDs.at(-1)}1`, type: "text", text: "hand off now" };
    write({ id, result: { part: params.sighting.tokens.total > 5_000 ? part : null } });
  },
  "session/compacting"(id) {
    write({ id, result: { context: ["keep the goal"] } });
  },
  "session/continue"(id, params) {
    write({ id, result: { enabled: params.context.sessionID !== "ses_over" } });
  },
  "command/execute"(id, params) {
    write({ id, result: { done: true, text: JSON.stringify(params) } });
  },
  shutdown(id) {
    write({ id, result: null });
    process.exit(0);
  },
};

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const { id, method, params, result } = JSON.parse(line);
    if (id === "asked") answered(result);
    if (method === "$/cancelRequest" && behaviour === "answers a cancel") {
      write({ id: params.id, error: { code: -32800, message: "the call was cancelled" } });
    }
    if (method === "event") events.push(params);
    if (id !== undefined && id !== null && method !== undefined) answers[method]?.(id, params);
  })
  .on("close", () => {
    if (behaviour !== "ignores the end") process.exit(0);
  });
