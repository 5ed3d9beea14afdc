/** What OpenCode 1.x hands to a plugin, as far as this one looks at it. */

export type SomePart = {
  id?: string;
  sessionID?: string;
  messageID?: string;
  type?: string;
  text?: string;
  synthetic?: boolean;
  ignored?: boolean;
  metadata?: { handoff?: { by?: string } };
  tool?: string;
  callID?: string;
  state?: { status?: string; metadata?: { sessionID?: string } };
  mime?: string;
  filename?: string;
  url?: string;
};

/** As other plugins may have left it. */
export type Part = SomePart | null;

export type TextPart = SomePart & { text: string };

export type Message = { info: MessageInfo; parts: Part[] };

export type MessageInfo = {
  id?: string;
  sessionID?: string;
  parentID?: string;
  role?: string;
  summary?: boolean | object;
  finish?: string;
  agent?: string;
  model?: { providerID?: string; modelID?: string };
  providerID?: string;
  modelID?: string;
  tokens?: unknown;
  time?: { created?: number };
};

export type SessionInfo = {
  id?: string;
  parentID?: string;
  projectID?: string;
  directory?: string;
  revert?: { messageID?: string; partID?: string };
  metadata?: { handoff?: Partial<Mark> };
};

/** What a handoff leaves in the metadata of the session that it leaves. */
export type Mark = {
  /** The session in which the work goes on. */
  to: string;
  /** The marked session's own id: a fork copies metadata, and is free. */
  of?: string;
  /** The user message whose turn the handoff belongs to. */
  turn?: string | null;
  /** When, in milliseconds. */
  at?: number;
  /** When a person wrote here after that. */
  lifted?: number;
};

export type Event = { type: string; properties?: Properties };

export type Properties = {
  sessionID?: string;
  messageID?: string;
  /** A message, or a session. */
  info?: MessageInfo & SessionInfo;
  part?: SomePart;
  error?: object;
  command?: string;
  /** `retry` where OpenCode waits for the provider. */
  status?: { type?: string };
};

export type ToolContext = {
  sessionID?: string;
  messageID?: string;
  callID?: string;
  agent?: string;
  directory?: string;
  worktree?: string;
  abort?: AbortSignal;
};

/** OpenCode's configuration. */
export type Config = { command?: Record<string, { description?: string; template?: string }> };

export type ToolAnswer = { title: string; output: string; metadata: Record<string, unknown> };

export type Tools = Record<
  string,
  { description: string; args: object; execute: (args: unknown, context: ToolContext) => Promise<ToolAnswer> }
>;

/** What OpenCode calls: it looks each one up when it calls it. An old one gets none. */
export type Hooks = {
  tool: Tools;
  config: (config: Config) => unknown;
  event: (input: { event: Event }) => Promise<unknown>;
  dispose: () => Promise<unknown>;
  "chat.message": (
    input: { sessionID?: string; messageID?: string },
    output: { message: MessageInfo; parts: Part[] },
  ) => Promise<unknown>;
  "command.execute.before": (
    input: { command: string; sessionID: string; arguments?: string },
    output?: { parts?: SomePart[] },
  ) => Promise<unknown>;
  "tool.definition": (
    input: { toolID: string },
    output: { description?: string; jsonSchema?: object },
  ) => Promise<unknown>;
  "tool.execute.before": (
    call: { tool: string; sessionID: string; callID: string },
    output?: object,
  ) => Promise<unknown>;
  "experimental.chat.messages.transform": (
    input: unknown,
    output: { messages: Message[] },
  ) => Promise<unknown>;
  "experimental.session.compacting": (
    input: { sessionID: string },
    output: { context: string[] },
  ) => Promise<unknown>;
  "experimental.compaction.autocontinue": (
    input: { sessionID: string },
    output: { enabled: boolean },
  ) => Promise<unknown>;
};

/** As they are before their errors are kept from OpenCode. */
export type Unguarded = {
  [Name in Exclude<keyof Hooks, "tool">]: (...args: Parameters<Hooks[Name]>) => unknown;
};

/** What is handed over for one initialisation; nothing of it is taken for granted. */
export type Given = {
  directory?: unknown;
  worktree?: unknown;
  client?: { _client?: Client; tui?: { showToast?: (content: { body: object }) => Promise<unknown> } };
};

/** OpenCode's own client, which all plugins of an instance share. */
export type Client = {
  getConfig: () => { baseUrl: string; headers?: unknown; fetch: (request: Request) => Promise<Response> };
  interceptors?: { request?: Interceptors };
};

export type Interceptors = {
  use?: (interceptor: Interceptor) => unknown;
  [told: symbol]: true;
};

export type Interceptor = (request: Request, options?: { serializedBody?: unknown }) => Promise<Request>;
