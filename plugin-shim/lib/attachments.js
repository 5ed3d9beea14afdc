/**
 * What is attached to messages: OpenCode hands it out as `data:` URLs, of megabytes for a screenshot, and nobody at the
 * other end of the tunnel looks into it. Here each becomes a URL without content that tells its size.
 * Works on the bytes of an answer, which are gone through faster than its text, and much faster than parsed.
 */

const MESSAGES = /^\/session\/[^/?]+\/message(\/[^/?]+)?(\?|$)/;

/** Shorter ones stay as they are: they cost nothing. */
const LONG_CHARACTERS = 1_000;

const START = '"data:';
const HEAD = /^"data:([\w.+-]+\/[\w.+-]+)?((?:;[\w.+-]+=[\w.+-]+)*);base64,/;
const LONGEST_HEAD = 200;

const BACKSLASH = 0x5c;
const QUOTATION_MARK = 0x22;
const IS_BASE64 = new Uint8Array(256);
for (const character of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=") {
  IS_BASE64[character.charCodeAt(0)] = 1;
}

const utf8 = new TextDecoder();

/**
 * Whether the answer to a request holds messages.
 * @param {unknown} method
 * @param {string} target path with its query string
 */
export function isOfMessages(method, target) {
  return method === "GET" && MESSAGES.test(target);
}

/**
 * The JSON text of an answer, in which a long base64 `data:` URL that is a whole string, and no key, has given its
 * content for its size: `data:image/png;bytes=1382400;base64,`. Text that quotes such a URL stays as it is.
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
    if (length < LONG_CHARACTERS || isKey(json, end) || !isBase64(json, start, end)) continue;
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

/**
 * @param {Buffer} json
 * @param {number} end where the string's closing quotation mark is
 */
function isKey(json, end) {
  return /^"\s*:/.test(json.toString("latin1", end, end + 10));
}
