/** The `config` hook: adds the commands of tools.json. A command that the user has made stays as it is. */

/** @param {import("../plugin.js").Parts} parts */
export function commandHooks({ manifest }) {
  return {
    /** @param {any} config */
    config(config) {
      config.command ??= {};
      for (const { name, description, template } of manifest.commands) {
        config.command[name] ??= { description, template };
      }
    },
  };
}
