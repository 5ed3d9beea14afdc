/**
 * The floor of a handoff's time: a tool that does the bare API calls of a handoff inside OpenCode's own process, one
 * after the other, with a prompt that was written beforehand: no git, no file, no other process. And a lower one: what
 * handoff-sidecar has learned to do without (to read the prompt back) and to do beside each other, done here too.
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

  /** @param {string} sessionID */
  async function begin(sessionID) {
    const old = `/session/${sessionID}`;
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
    const parts = [
      { type: "text", text: PROMPT },
      { type: "text", text: INSTRUCTIONS, synthetic: true },
    ];
    const body = { agent, model: { providerID, modelID }, parts };
    const metadata = { ...session.metadata, bench: { to: made.id } };
    return {
      made,
      prompt: () => call("POST", `/session/${made.id}/prompt_async`, body),
      mark: () => call("PATCH", old, { metadata }),
      show: () => call("POST", "/tui/select-session", { sessionID: made.id }),
    };
  }

  /** @param {{id: string}} made */
  const answer = (made) => ({
    title: "floor",
    output: `Handed off to ${made.id}. Stop here.`,
    metadata: { sessionID: made.id },
  });

  /**
   * @param {unknown} _args
   * @param {any} context
   */
  async function inOrder(_args, { sessionID }) {
    const { made, prompt, mark, show } = await begin(sessionID);
    await prompt();
    await call("GET", `/session/${made.id}/message?limit=5`);
    await Promise.all([mark(), show()]);
    return answer(made);
  }

  /**
   * @param {unknown} _args
   * @param {any} context
   */
  async function atOnce(_args, { sessionID }) {
    const { made, prompt, mark, show } = await begin(sessionID);
    await Promise.all([prompt(), mark(), show()]);
    return answer(made);
  }

  const description = "The floor of a handoff";
  return {
    tool: {
      bench_floor: { description, args: {}, execute: inOrder },
      bench_floor_at_once: { description, args: {}, execute: atOnce },
    },
  };
};
