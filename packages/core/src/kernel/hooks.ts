import type { Hookable } from "hookable";
import type { ConfigReader } from "../config/reader.js";

/** The life of a kernel, step by step. Hooks run one after another; a hook that throws fails the step. */
export interface KernelHooks {
  "plugin:registered": (plugin: { readonly name: string }) => void | Promise<void>;
  "plugin:started": (plugin: { readonly name: string; readonly ms: number }) => void | Promise<void>;
  "plugin:stopped": (plugin: { readonly name: string }) => void | Promise<void>;
  "kernel:started": () => void | Promise<void>;
  /** Another configuration has taken effect, by a reload or by `config.set()`. */
  "kernel:reloaded": (change: {
    readonly config: ConfigReader;
    readonly previous: ConfigReader;
  }) => void | Promise<void>;
  "kernel:draining": () => void | Promise<void>;
  "kernel:stopped": () => void | Promise<void>;
}

export type Hooks = Hookable<KernelHooks>;
