/**
 * The floor of a handoff's time: a tool that does the bare API calls of handoff-sidecar inside OpenCode's own process,
 * with a prompt that was written beforehand: no git, no file, no other process. In their plain order; ours does the
 * last three at once.
 */

const NEWEST_MESSAGES = 100;
const PROMPT = `## Session Handoff

${"The login works, sessions persist, and the token refresh is being fixed. ".repeat(4)}

**Goal:** implement the logout endpoint

**Todos:** 3/5 done
- In progress: Fix token refresh race condition
- Pending: Add logout endpoint

---
Previous: \`ses_x\` · Use \`read_session\` if you need more context.`;
const INSTRUCTIONS = "This session continues another one. Start on the goal now. ".repeat(5);

/** @param {any} input OpenCode's */
export default async ({ client, directory }) => {
  /**
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body]
   */
  async function call(method, path, body) {
    const { baseUrl, headers, fetch } = client._client.getConfig();
    const merged = new Headers(headers);
    merged.set("x-opencode-directory", encodeURIComponent(directory));
    if (body !== undefined) merged.set("content-type", "application/json");
    const what = { method, headers: merged, ...(body !== undefined && { body: JSON.stringify(body) }) };
    const response = await fetch(new Request(baseUrl.replace(/\/$/, "") + path, what));
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  /**
   * @param {unknown} _args
   * @param {any} context
   */
  async function execute(_args, context) {
    const old = `/session/${context.sessionID}`;
    const [session, messages] = await Promise.all([
      call("GET", old),
      call("GET", `${old}/message?limit=${NEWEST_MESSAGES}`),
      call("GET", `${old}/todo`),
    ]);
    const { agent, providerID, modelID } = messages.at(-1).info;
    const made = await call("POST", "/session", {
      title: `Handoff: ${session.title}`,
      agent,
      model: { id: modelID, providerID },
      metadata: { handoff: { from: session.id } },
    });
    await call("POST", `/session/${made.id}/prompt_async`, {
      agent,
      model: { providerID, modelID },
      parts: [
        { type: "text", text: PROMPT },
        { type: "text", text: INSTRUCTIONS, synthetic: true },
      ],
    });
    await call("GET", `/session/${made.id}/message?limit=5`);
    const metadata = { ...session.metadata, bench: { to: made.id } };
    await Promise.all([
      call("PATCH", old, { metadata }),
      call("POST", "/tui/select-session", { sessionID: made.id }),
    ]);
    return { title: "floor", output: `Handed off to ${made.id}. Stop here.`, metadata: { sessionID: made.id } };
  }

  return { tool: { bench_floor: { description: "The floor of a handoff", args: {}, execute } } };
};
