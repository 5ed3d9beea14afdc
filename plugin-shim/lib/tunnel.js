// @bun
/**
 * `http/request`: which of OpenCode's endpoints the sidecar may call, and what of an answer it gets.
 * What is attached to messages stays here: OpenCode hands it out as `data:` URLs, of megabytes for a screenshot, and
 * nobody at the other end looks into it. Each becomes a URL without content that tells its size.
 */
import { CODES, RpcError } from "./failures.js";
import { fill, MANIFEST } from "./manifest.js";

/** As `GET /session/{session}`; it is everything that the sidecar calls, and the sidecar has no say in it. */
const ENDPOINTS = new RegExp(
  `^(?:${MANIFEST.endpoints.map((endpoint) => fill(endpoint, MANIFEST.ids)).join("|")})$`,
);

/** A host that is never asked: a path is read as a URL parser reads it. */
const ANY_HOST = "http://opencode.invalid";

/** OpenCode lets these beat the directory of the message, which has been checked. */
const REFUSED_PARAMETERS = new Set(["directory", "workspace"]);

const CHANGES = new RegExp(`^PATCH /session/(${MANIFEST.ids.session})$`);

const SELECT = "/tui/select-session";

/** Names the session that the person is to be taken from; OpenCode does not look at it. */
const LEAVES = "x-handoff-leaves";

const PASSED_ON = ["content-type", "x-next-cursor"];

const OF_MESSAGES = /^\/session\/[^/?]+\/message(\/[^/?]+)?(\?|$)/;

/** Shorter ones stay as they are: they cost nothing. */
const LONG_CHARACTERS = 1_000;

const START = '"data:';
const HEAD = /^"data:([\w.+-]+\/[\w.+-]+)?((?:;[\w.+-]+=[\w.+-]+)*);base64,/;
const LONGEST_HEAD = 200;
const KEYS_END = /^"\s*:/;

const BACKSLASH = 0x5c;
const QUOTATION_MARK = 0x22;
const IS_BASE64 = new Uint8Array(256);
for (const character of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=") {
  IS_BASE64[character.charCodeAt(0)] = 1;
}

const utf8 = new TextDecoder();

/**
 * @param {{host: import("./host.js").Host, lock: Pick<import("./lock.js").Lock, "forget">,
 *   windows: Pick<import("./windows.js").Windows, "move">}} plugin
 * @param {import("./connection.js").Json} request {directory, method, path, headers, body, attach}
 * @param {{signal?: AbortSignal}} [context]
 * @throws {RpcError} ENDPOINT_REFUSED, HOST_UNREACHABLE
 */
export async function serve({ host, lock, windows }, request, { signal } = {}) {
  const { directory, headers, attach } = request;
  const [method, path] = [String(request.method), String(request.path)];
  const body = typeof request.body === "string" ? request.body : null;
  checkPath(method, path);
  const endpoint = `${method} ${path}`;
  const instance = host.instances.findLast((open) => open.directory === directory);
  // A directory that isn't open would make OpenCode open it, with another initialisation of everything.
  if (!instance) throw new RpcError(CODES.HOST_UNREACHABLE, `OpenCode has no project open in ${directory}`);
  try {
    if (path === SELECT) {
      const isMoved = await windows.move({
        from: Object(headers)[LEAVES],
        to: JSON.parse(body ?? "").sessionID,
      });
      if (isMoved !== null) return { status: isMoved ? 200 : 409, headers: {}, body: "true" };
    }
    const sent = attach && body ? await withFiles(host, instance, String(attach), body) : body;
    const response = await host.fetch(instance, method, path, { headers, body: sent, signal });
    const isOfMessages = method === "GET" && OF_MESSAGES.test(path);
    const text = isOfMessages ? withoutContents(await response.arrayBuffer()) : await response.text();
    const passedOn = [...response.headers].filter(([name]) => PASSED_ON.includes(name));
    return { status: response.status, headers: Object.fromEntries(passedOn), body: text };
  } catch (error) {
    host.log("warn", `${endpoint} failed: ${error instanceof Error ? error.stack : error}`);
    throw new RpcError(CODES.HOST_UNREACHABLE, "OpenCode's log has the reason");
  } finally {
    const changed = CHANGES.exec(endpoint)?.[1];
    if (changed) lock.forget(changed);
  }
}

/**
 * A prompt with the files of a message: what they hold is here, and the sidecar has only named the message. It goes without
 * them where they can't be had.
 * @param {import("./host.js").Host} host
 * @param {import("./host.js").Instance} instance
 * @param {string} from the message's path
 * @param {string} body
 */
async function withFiles(host, instance, from, body) {
  checkPath("GET", from);
  const { parts } = await host.message(instance, from).catch(() => ({ parts: [] }));
  const files = parts.flatMap((part) => (part?.type === "file" ? part : []));
  const attached = files.map(({ type, mime, filename, url }) => ({ type, mime, filename, url }));
  const prompt = JSON.parse(body);
  return JSON.stringify({ ...prompt, parts: [...prompt.parts, ...attached] });
}

/**
 * @param {string} method
 * @param {string} path with its query string
 * @throws {RpcError} ENDPOINT_REFUSED: not on the list, or a URL parser would make another of it than was checked
 */
export function checkPath(method, path) {
  const { pathname, search, searchParams } = new URL(`${ANY_HOST}/${path}`);
  const isAsWritten = pathname + search === `/${path}`;
  const names = [...searchParams.keys()].map((name) => name.toLowerCase());
  // A second `?` is read as the start of a parameter by some routers.
  const isPlain = !search.slice(1).includes("?") && !names.some((name) => REFUSED_PARAMETERS.has(name));
  if (isAsWritten && isPlain && ENDPOINTS.test(`${method} ${pathname.slice(1)}`)) return;
  const shown = `${method} ${path}`.slice(0, 200);
  throw new RpcError(CODES.ENDPOINT_REFUSED, `${shown} is not an endpoint that the sidecar may call`);
}

/**
 * The JSON text of an answer, in which a long base64 `data:` URL that is a whole string, and no key, has given its
 * content for its size: `data:image/png;bytes=1382400;base64,`. Text that quotes such a URL stays as it is.
 * Works on the bytes, which are gone through faster than their text, and much faster than parsed.
 * @param {ArrayBuffer} answer
 * @returns {string}
 */
export function withoutContents(answer) {
  const json = Buffer.from(answer);
  const kept = [];
  let from = 0;
  for (let at = json.indexOf(START); at !== -1; at = json.indexOf(START, at + 1)) {
    // A quotation mark that is escaped stands inside a string, and any other one before `data:` opens one.
    if (json[at - 1] === BACKSLASH) continue;
    const head = HEAD.exec(json.toString("latin1", at, at + LONGEST_HEAD));
    if (!head) continue;
    const start = at + head[0].length;
    const end = json.indexOf(QUOTATION_MARK, start);
    const length = end - start;
    const isKey = KEYS_END.test(json.toString("latin1", end, end + 10));
    if (length < LONG_CHARACTERS || isKey || !isBase64(json, start, end)) continue;
    const [, type = "", parameters = ""] = head;
    const bytes = Math.floor((length * 3) / 4);
    kept.push(json.subarray(from, at), Buffer.from(`"data:${type}${parameters};bytes=${bytes};base64,`));
    from = end;
    at = end;
  }
  return utf8.decode(from === 0 ? json : Buffer.concat([...kept, json.subarray(from)]));
}

/**
 * A loop with an end that is known: in Bun a regular expression takes three times as long, and so does a loop that might
 * read beyond the end (300 ms for 60 MB).
 * @param {Buffer} json
 * @param {number} start
 * @param {number} end
 */
function isBase64(json, start, end) {
  for (let at = start; at < end; at++) if (IS_BASE64[/** @type {number} */ (json[at])] !== 1) return false;
  return true;
}
