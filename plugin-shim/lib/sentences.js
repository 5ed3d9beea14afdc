/**
 * What a person or the model is told when something went wrong: what failed, whether anything was made, what
 * to do next. Owns every such sentence of the plugin. Knows errors, and nothing of how they came about.
 */
import {
  CallGivenUp,
  FrameTooLarge,
  INVALID_PARAMS,
  INVALID_REQUEST,
  METHOD_NOT_FOUND,
  PARSE_ERROR,
  RpcError,
  SidecarDied,
  SidecarError,
  SidecarMissing,
  SidecarNotFound,
  SidecarResting,
  SidecarStartFailed,
  SidecarStopped,
  TOOL_FAILED,
} from "./errors.js";

const REINSTALL = "Run `handoff-sidecar install` again, then restart OpenCode.";
const NOTHING_MADE = "Nothing was made and this session is unchanged.";

const GET_IT =
  "Run `uv tool install handoff-sidecar` (or `pipx install handoff-sidecar`), then restart OpenCode.";

/** The one tool that makes something: after any other there is nothing to look for. */
export const MAKER = "session_handoff";

/** Refusals of the wire itself: the call has reached no tool. */
const REFUSALS = [PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS];

/**
 * @param {string} tool
 * @param {unknown} error
 * @param {string | null} [briefs] the folder of the briefs, if the sidecar has told it
 */
export function toolFailure(tool, error, briefs = null) {
  // The sidecar's own sentence is whole: it knows what was made and where the brief lies.
  if (error instanceof RpcError && error.code === TOOL_FAILED) return error.message;
  const wasCancelled = error instanceof CallGivenUp && error.why === "cancelled";
  const failed = wasCancelled ? `${tool} was cancelled.` : `${tool} failed: ${cause(error)}.`;
  return [failed, whatWasMade(tool, error, briefs), next(error)].filter(Boolean).join(" ");
}

/**
 * For an agent that would go on in a session whose work goes on elsewhere.
 * @param {string} sessionID where
 */
export function worksElsewhere(sessionID) {
  return (
    `This session's work goes on in \`${sessionID}\`, and two agents must not work in one folder: nothing was done. ` +
    "Tell the user so, and that a new message of theirs here is carried out as usual. Then stop."
  );
}

/** @param {string} title of the session in which the work went on */
export function stillAtWork(title) {
  return `The work went on in "${title}", which is still busy in this folder.`;
}

/** @param {unknown} error */
export function triggerFailure(error) {
  const sentence = `The handoff can't be done now: ${cause(error)}. Your message went on as you typed it.`;
  return [sentence, next(error)].filter(Boolean).join(" ");
}

/**
 * What is said at the start when there is no sidecar to be had: before anyone asks for a handoff in vain.
 * @param {unknown} error
 */
export function startFailure(error) {
  return [`Handoffs can't be made: ${cause(error)}.`, next(error)].filter(Boolean).join(" ");
}

/**
 * @param {string | null} version
 * @param {string} oldest
 */
export function tooOld(version, oldest) {
  const name = version === null ? "This OpenCode" : `OpenCode ${version}`;
  return (
    `${name} is too old for handoff-sidecar, which needs ${oldest} or later and does nothing until then. ` +
    "Run `opencode upgrade`, then restart OpenCode."
  );
}

/**
 * @param {string} command
 * @param {unknown} error
 * @param {string | null} [briefs] the folder of the briefs, if the sidecar has told it
 */
export function commandFailure(command, error, briefs = null) {
  return [`/${command} failed: ${cause(error)}.`, whatWasMade(MAKER, error, briefs), next(error)]
    .filter(Boolean)
    .join(" ");
}

/**
 * A clause without a full stop.
 * @param {unknown} error
 * @returns {string}
 */
function cause(error) {
  if (error instanceof SidecarMissing) {
    return `the Python side is not installed (not on the PATH: ${error.looked.join(", ")})`;
  }
  if (error instanceof SidecarNotFound) {
    const isPython = /python[\d.]*(\.exe)?$/i.test(error.program);
    const what = isPython ? "the Python that runs the sidecar" : "the sidecar's program";
    const code = error.exit?.spawnError?.code;
    return code === "ENOENT"
      ? `${what} was not found (${error.program})`
      : `${what} could not be run (${error.program}: ${code})`;
  }
  if (error instanceof SidecarResting) {
    const last = error.last ? `; the last time, ${cause(error.last)}` : "";
    const seconds = Math.ceil(error.retryInMs / 1_000);
    return `the sidecar failed to start too often, so it is left alone for another ${seconds} s${last}`;
  }
  if (error instanceof SidecarStopped) {
    const last = error.last ? `; the last time, ${cause(error.last)}` : "";
    return `the sidecar failed to start ${error.starts} times in a row and is not started again${last}`;
  }
  if (error instanceof SidecarDied) return `the sidecar stopped in the middle of the call${ending(error)}`;
  if (error instanceof SidecarError) return `${trimmed(error.message)}${ending(error)}`;
  if (error instanceof CallGivenUp) {
    const stuck = error.sent && !error.answered ? ", and did not react to being cancelled" : "";
    return `the sidecar did not answer within ${(error.afterMs ?? 0) / 1_000} s${stuck}`;
  }
  return trimmed(error instanceof Error ? error.message : String(error));
}

/**
 * @param {string[]} names
 * @returns {string}
 */
export function takenByAnother(names) {
  return (
    `Another plugin has a tool of the same name as one of ours (${names.join(", ")}), and gets its calls. Remove one ` +
    "of the two plugins (`handoff-sidecar doctor` names the other), then restart OpenCode."
  );
}

/**
 * @param {string} tool
 * @param {unknown} error
 * @param {string | null} briefs
 */
function whatWasMade(tool, error, briefs) {
  const wasNeverSent =
    error instanceof FrameTooLarge ||
    (error instanceof SidecarError && !(error instanceof SidecarDied)) ||
    (error instanceof CallGivenUp && !error.sent) ||
    (error instanceof RpcError && REFUSALS.includes(error.code));
  if (wasNeverSent) return NOTHING_MADE;
  const goOn = "The work in this session can go on.";
  if (tool !== MAKER) return goOn;
  const look = "check the session list for one titled `Handoff: …` before you try again";
  const brief = briefs ? ` If its brief was written, it is the newest in ${briefs}.` : "";
  return `${goOn} A new session may have been made: ${look}.${brief}`;
}

/**
 * @param {unknown} error
 * @returns {string}
 */
function next(error) {
  if (error instanceof SidecarMissing) return GET_IT;
  if (error instanceof SidecarNotFound) return REINSTALL;
  if (error instanceof SidecarStartFailed) {
    // Both versions and what to do are in the cause already.
    return error.why === "mismatch" ? "" : `Try once more; if it fails again: ${lowered(REINSTALL)}`;
  }
  if (error instanceof SidecarStopped) {
    return "Run `handoff-sidecar doctor`, which says what is wrong, then restart OpenCode.";
  }
  if (error instanceof SidecarResting) return `Wait that long and try again, or: ${lowered(REINSTALL)}`;
  if (error instanceof SidecarDied) return "The next call starts the sidecar again.";
  if (error instanceof FrameTooLarge) return "Try again with shorter arguments.";
  return "";
}

/** How the process ended, in parentheses. @param {SidecarError} error */
function ending({ exit }) {
  if (!exit) return "";
  const how = exit.signal ? `signal ${exit.signal}` : exit.code === null ? "" : `exit code ${exit.code}`;
  const line = exit.stderr.at(-1)?.slice(0, 300);
  const parts = [how, line && `its last line: ${line}`].filter(Boolean);
  return parts.length > 0 ? ` (${parts.join("; ")})` : "";
}

/** @param {string} sentence */
function trimmed(sentence) {
  return sentence.replace(/\.\s*$/, "");
}

/** @param {string} sentence */
function lowered(sentence) {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}
