/**
 * The hooks that keep two agents out of one folder: what the lock hears, and the calls that it refuses.
 */
import { MeantThrow } from "./failures.js";
import { fill, MANIFEST } from "./manifest.js";
import { textForTheModel } from "./persons.js";

const { maker, sentences } = MANIFEST;

/** Handed off again and again, but not without end. */
const MOST_SUCCESSORS = 20;

const HAS_ENDED = new Set(["completed", "error"]);

/**
 * @param {import("./plugin.js").Plugin} plugin
 * @param {import("./host.js").Instance} instance
 */
export function lockHooks({ lock, sessions, host, log }, instance) {
  const api = apiOf(host, instance);
  return {
    /** @param {any} input */
    event({ event: { type, properties } }) {
      const { info, part, sessionID, messageID } = properties ?? {};
      if (type === "session.created" || type === "session.updated") lock.heard(info, api);
      else if (type === "session.deleted") lock.gone(info?.id ?? sessionID);
      else if (type === "message.removed") lock.removed(messageID);
      else if (type === "session.idle") lock.idle(sessionID);
      else if (type === "message.part.updated" && HAS_ENDED.has(part?.state?.status)) lock.ended(part.callID);
    },

    /**
     * The throw is meant: it makes the call an error that the agent reads, and its turn goes on (seen in 1.15.13 and
     * 1.18.34).
     * @param {{tool: string, sessionID: string, callID: string}} call
     * @throws {MeantThrow}
     */
    async "tool.execute.before"({ tool, sessionID, callID }) {
      const turn = sessions.turn(sessionID);
      const mark = await lock.refusal({ tool, sessionID, turn }, api);
      // Called again in the same turn, it answers with the session that it has made.
      if (!mark || (tool === maker && turn !== null && turn === mark.turn)) {
        lock.began({ tool, sessionID, callID });
        return;
      }
      log("info", `${sessionID}: ${tool} was not run, as the work goes on in ${mark.to}`);
      throw new MeantThrow(fill(sentences.worksElsewhere, { sessionID: mark.to }));
    },
  };
}

/**
 * What arrives in a session whose work went on elsewhere is of use there.
 * @param {import("./plugin.js").Plugin} plugin
 * @param {import("./host.js").Instance} instance
 * @param {string} sessionID
 * @param {any[]} parts
 */
export async function passOn(plugin, instance, sessionID, parts) {
  try {
    const text = textForTheModel(parts);
    if (!text || !(await plugin.lock.isLeft(sessionID, apiOf(plugin.host, instance)))) return;
    const params = { context: plugin.context(instance, sessionID), text };
    await plugin.call("session/arrival", params, { timeoutMs: plugin.waitMs.message });
  } catch (error) {
    plugin.log("warn", `${sessionID}: what arrived there was not passed on: ${error}`);
  }
}

/**
 * What the lock asks of OpenCode for an instance.
 * @param {import("./host.js").Host} host
 * @param {import("./host.js").Instance} instance
 * @returns {import("./lock.js").Api}
 */
export function apiOf(host, instance) {
  /** @param {string} sessionID */
  const session = (sessionID) => host.ask(instance, "GET", `/session/${sessionID}`);

  /** A person goes on in a session whose work goes on elsewhere, too. @param {import("./lock.js").Mark} mark */
  async function tellOfTheOther({ to }) {
    let other = await session(to);
    for (let hops = 0; other.metadata?.handoff?.to && hops < MOST_SUCCESSORS; hops++) {
      other = await session(other.metadata.handoff.to);
    }
    const busy = await host.ask(instance, "GET", "/session/status");
    if (busy[other.id]) await host.toast(instance, fill(sentences.stillAtWork, other), "warning");
  }

  return {
    session,
    setMetadata: (sessionID, metadata) => host.ask(instance, "PATCH", `/session/${sessionID}`, { metadata }),
    lifted: (mark) =>
      void tellOfTheOther(mark).catch((error) => host.log("info", `no word about ${mark.to}: ${error}`)),
    log: host.log,
  };
}
