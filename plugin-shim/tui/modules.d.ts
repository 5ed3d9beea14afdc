/** What OpenCode gives to a plugin in its screen; there is nothing to install. */
declare module "@opentui/solid" {
  export function createElement(name: string): unknown;
  export function insert(parent: unknown, value: () => unknown): unknown;
  export function setProp(element: unknown, name: string, value: unknown): unknown;
}
declare module "solid-js" {
  export function createEffect(look: () => void): void;
  export function createRenderEffect(look: () => void): void;
  export function createRoot<T>(make: (dispose: () => void) => T): T;
  export function createSignal<T>(value: T): [() => T, (value: T) => void];
}
