/**
 * The short list of OpenCode's endpoints that the sidecar may call, and the check of a path against it.
 * Knows nothing of how a request is made.
 */
import { ENDPOINT_REFUSED, INVALID_PARAMS, RpcError } from "./errors.js";

const SESSION = "ses_[0-9A-Za-z]{1,64}";
const MESSAGE = "msg_[0-9A-Za-z]{1,64}";

/** @type {[method: string, path: RegExp][]} */
export const ENDPOINTS = [
  ["GET", /^\/global\/health$/],
  ["GET", /^\/session$/],
  ["POST", /^\/session$/],
  ["GET", new RegExp(`^/session/${SESSION}$`)],
  ["PATCH", new RegExp(`^/session/${SESSION}$`)],
  ["DELETE", new RegExp(`^/session/${SESSION}$`)],
  ["GET", new RegExp(`^/session/${SESSION}/message$`)],
  ["GET", new RegExp(`^/session/${SESSION}/message/${MESSAGE}$`)],
  ["POST", new RegExp(`^/session/${SESSION}/prompt_async$`)],
  ["GET", new RegExp(`^/session/${SESSION}/todo$`)],
  ["POST", new RegExp(`^/session/${SESSION}/abort$`)],
  ["GET", /^\/session\/status$/],
  ["GET", /^\/config$/],
  ["GET", /^\/config\/providers$/],
  ["GET", /^\/agent$/],
  ["POST", /^\/tui\/select-session$/],
  ["POST", /^\/tui\/open-sessions$/],
  ["POST", /^\/tui\/append-prompt$/],
  ["POST", /^\/tui\/show-toast$/],
];

/** OpenCode lets these beat the directory of the message, which has been checked. */
const REFUSED_PARAMETERS = new Set(["directory", "workspace"]);

/** What a URL parser drops or rewrites: with it, the text that was checked would not be the text that is sent. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is there to find
const REWRITTEN = /[\u0000-\u0020\u007f\\#]/;

/**
 * The path and query to call, exactly as checked.
 * @param {unknown} method
 * @param {unknown} target path with its query string
 * @returns {string}
 * @throws {RpcError} ENDPOINT_REFUSED, INVALID_PARAMS
 */
export function allowedPath(method, target) {
  if (typeof method !== "string" || typeof target !== "string") {
    throw new RpcError(INVALID_PARAMS, "http/request: `method` and `path` must be strings");
  }
  const path = target.split("?", 1)[0] ?? "";
  const isListed = ENDPOINTS.some(([verb, pattern]) => verb === method && pattern.test(path));
  if (!isListed || REWRITTEN.test(target)) {
    const shown = `${method} ${path}`.slice(0, 200);
    throw new RpcError(ENDPOINT_REFUSED, `${shown} is not one of the endpoints that the sidecar may call`);
  }
  const query = target.slice(path.length + 1);
  // A second one is read as the start of a parameter by some routers.
  if (query.includes("?")) throw new RpcError(ENDPOINT_REFUSED, "a `?` in a query must be written as %3F");
  for (const name of new URLSearchParams(query).keys()) {
    if (REFUSED_PARAMETERS.has(name.toLowerCase())) {
      throw new RpcError(
        ENDPOINT_REFUSED,
        `the query parameter \`${name}\` is refused: name it in the message`,
      );
    }
  }
  return target;
}
