import { AsyncLocalStorage } from "node:async_hooks";
import type { SectionSchema } from "../config/sections.js";
import type { Kernel } from "../kernel/kernel.js";
import type { ServiceInfo } from "../kernel/service.js";
import type { Advice, Plugin } from "../plugin.js";
import type { Attempt } from "./attempts.js";
import type { CallNode } from "./call.js";
import type { Home } from "./homes.js";
import type { Operation } from "./operation.js";

/**
 * What all copies of this package in one process share: two versions, or a bundle beside a
 * package. Only ever add to this shape; a change of meaning needs a new key.
 */
export interface SharedState {
  /** The operation behind each dispatcher. */
  readonly dispatchers: WeakMap<object, Operation>;
  /** All operations that are alive. Weak, so that classes made on the fly can go. */
  readonly operations: Set<WeakRef<Operation>>;
  readonly homes: WeakMap<object, Home>;
  /** How many operations each module has declared: the next one's ordinal. */
  readonly ordinals: Map<string, number>;
  readonly services: WeakMap<object, ServiceInfo>;
  /** The kernel that constructed or adopted an instance. */
  readonly owners: WeakMap<object, Kernel>;
  /** Kernels that take calls. */
  readonly running: Set<Kernel>;
  /** How many kernels have ever run. While it is one, no call looks its kernel up. */
  kernels: number;
  readonly plugins: Map<string, Plugin>;
  /** Sections of the configuration that modules have defined, by name. */
  sections: Map<string, SectionSchema>;
  readonly pluginOf: WeakMap<Advice, Plugin>;
  readonly attempts: WeakMap<object, readonly Attempt[]>;
  readonly context: AsyncLocalStorage<CallNode>;
  /** Whether calls use `context`: until then reading it is skipped. */
  contextInUse: boolean;
  /** How many steps of kernels run, which use `context` too. Absent before the first. */
  steps?: number;
  /** The modules of the copies that share this state. Older copies do not say. */
  copies?: Set<string>;
}

const key = Symbol.for("@mlmcp/core/1");
const host = globalThis as { [key]?: SharedState };

export const shared: SharedState = (host[key] ??= {
  dispatchers: new WeakMap(),
  operations: new Set(),
  homes: new WeakMap(),
  ordinals: new Map(),
  services: new WeakMap(),
  owners: new WeakMap(),
  running: new Set(),
  kernels: 0,
  plugins: new Map(),
  sections: new Map(),
  pluginOf: new WeakMap(),
  attempts: new WeakMap(),
  context: new AsyncLocalStorage(),
  contextInUse: false,
});

(shared.copies ??= new Set()).add(import.meta.url);
