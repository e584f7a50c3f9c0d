import {
  ConfigurationError,
  createKernel,
  definePlugin,
  type Kernel,
  type OperationInfo,
  type Plugin,
  type Token,
} from "@mlmcp/core";
import { mainRunsAgain } from "./faults.js";
import { importFunction, importModule, type Method, type Module } from "./import-module.js";
import type { OperationTarget, Target, WorkerRequest, WorkerSetup } from "./protocol.js";
import { threadState, WORKER_PLUGIN } from "./thread-state.js";
import { workerConfig } from "./worker-config.js";

type LoadRequest = WorkerRequest & { readonly kind: "load" };
type RunRequest = WorkerRequest & { readonly kind: "run" };
type Class = Extract<Token<object>, abstract new (...args: never[]) => object>;

/** A target, found in this thread. */
interface Found {
  readonly self: unknown;
  /** The method as it stands in the class's code. */
  readonly method: Method;
  /** The same with its advice. */
  readonly advised: Method;
}

/** Marks a kernel as started by the worker itself, before any other plugin is registered. */
const workerPlugin = definePlugin({
  name: WORKER_PLUGIN,
  register: (kernel) => void threadState.ownKernels.add(kernel.id),
});

/**
 * What a worker holds between tasks: the modules that it imported, a kernel of its own, and one
 * instance of each class, constructed by that kernel with what it injects.
 */
export class WorkerScope {
  readonly #setup: WorkerSetup;
  readonly #loads = new Map<number, LoadRequest>();
  readonly #found = new Map<number, Found>();
  readonly #instances = new Map<Class, object>();
  #kernel: Kernel | undefined;
  #takesContext = true;
  /** Names of the plugins that the kernel was started with. */
  #plugins: readonly string[] = [];

  constructor(setup: WorkerSetup) {
    this.#setup = setup;
  }

  /** Imports what a target needs, and constructs its `this`. */
  async load({ id, label, target }: LoadRequest): Promise<void> {
    this.#loads.set(id, { kind: "load", id, label, target });
    this.#found.set(id, await this.#find(label, target));
  }

  async run({ id, args, apply, advised, context }: RunRequest): Promise<unknown> {
    const load = this.#loads.get(id)!;
    // The kernel may have started anew since.
    if (!this.#found.has(id)) await this.load(load);
    refuseIfMainRan(load.label, load.target);
    const found = this.#found.get(id)!;
    const method = advised ? found.advised : found.method;
    const kernel = this.#kernel!;
    const work = (): unknown =>
      apply === "once" ? method.call(found.self, ...args) : applyToEach(method, found.self, args[0]);
    if (!context || !this.#takesContext) return work();
    return kernel.withContext(context, work);
  }

  /** What a target is called in messages. */
  labelOf(id: number): string {
    return this.#loads.get(id)!.label;
  }

  async stop(): Promise<void> {
    this.#found.clear();
    this.#instances.clear();
    await this.#kernel?.stop();
    this.#kernel = undefined;
  }

  /**
   * The kernel, started once all decorators of a module are known. It starts anew when a module
   * brings a plugin that was not there: its section of the configuration would be missing.
   */
  async #kernelFor(label: string, target: Target): Promise<Kernel> {
    refuseIfMainRan(label, target);
    const known = knownPlugins();
    const names = known.map(({ name }) => name);
    if (this.#kernel && names.every((name) => this.#plugins.includes(name))) return this.#kernel;
    await this.stop();
    this.#plugins = names;
    this.#kernel = await createKernel({
      cwd: this.#setup.cwd,
      configFile: false,
      env: {},
      config: workerConfig(this.#setup.config, known),
      plugins: [workerPlugin],
    });
    this.#takesContext = this.#kernel.config.get("system.context") !== false;
    return this.#kernel;
  }

  async #find(label: string, target: Target): Promise<Found> {
    if (target.kind === "function") {
      const method = await importFunction(label, target);
      await this.#kernelFor(label, target);
      return { self: undefined, method, advised: method };
    }
    const modules = [await importModule(label, target.module)];
    if (target.subclass) modules.push(await importModule(label, target.subclass.module));
    return this.#findMethod(target, modules, await this.#kernelFor(label, target));
  }

  #findMethod(target: OperationTarget, modules: readonly Module[], kernel: Kernel): Found {
    const operations = (): OperationInfo[] => kernel.operations.list();
    const operation = findOperation(target, operations());
    const type = findClass(target, operation?.owner as Class | undefined, modules, operations());
    if (!type) throw notFound(target, operation !== undefined);
    const self = target.static ? type : this.#instanceOf(type, target, kernel);
    // Under standard decorators an operation learns its class when the first instance is constructed.
    const { method, methodName } = operation ?? findOperation(target, operations()) ?? missing(target);
    const advised = (self as Record<string | symbol, unknown>)[methodName];
    return { self, method: method as Method, advised: advised as Method };
  }

  #instanceOf(type: Class, { id }: OperationTarget, kernel: Kernel): object {
    const known = this.#instances.get(type);
    if (known) return known;
    let instance: object;
    try {
      instance = kernel.resolve(type);
    } catch (cause) {
      throw new ConfigurationError(`${id}: a worker cannot construct ${type.name}: ${messageOf(cause)}`, {
        code: "MLMCP_PARALLEL_CONSTRUCT",
        cause,
        context: { operation: id, class: type.name },
        suggestions: [
          `Say what to inject: @service([FirstClass, SecondClass]) on ${type.name}. A worker constructs it by itself, from classes.`,
          "Only plugins whose decorators the module imports are loaded in a worker; services that the application registers are not there.",
        ],
      });
    }
    this.#instances.set(type, instance);
    return instance;
  }
}

async function applyToEach(method: Method, self: unknown, items: unknown): Promise<unknown[]> {
  const results: unknown[] = [];
  for (const item of items as readonly unknown[]) results.push(await method.call(self, item));
  return results;
}

function findOperation(
  target: OperationTarget,
  operations: readonly OperationInfo[],
): OperationInfo | undefined {
  const sameMethod = operations.filter(({ methodName }) => String(methodName) === target.method);
  return (
    sameMethod.find(({ ordinal, source }) => ordinal === target.ordinal && source?.file === target.file) ??
    sameMethod.find(({ id }) => id === target.id)
  );
}

function findClass(
  { subclass, className }: OperationTarget,
  owner: Class | undefined,
  modules: readonly Module[],
  operations: readonly OperationInfo[],
): Class | undefined {
  if (!subclass && owner) return owner;
  const wanted = subclass?.name ?? className;
  const candidates = [
    ...operations.map((operation) => operation.owner),
    ...modules.flatMap((module) => Object.values(module)),
  ];
  return candidates.find(
    (candidate): candidate is Class =>
      typeof candidate === "function" &&
      candidate.name === wanted &&
      (!owner || candidate.prototype instanceof owner),
  );
}

function notFound(target: OperationTarget, isSubclass: boolean): ConfigurationError {
  const { id, module, subclass, className } = target;
  const name = subclass?.name ?? className ?? "the class";
  return new ConfigurationError(
    `${id}: a worker has imported ${subclass?.module ?? module}, but ${name} is not defined by that. ` +
      "A class that is made inside a function is made only where that function is called.",
    {
      code: "MLMCP_PARALLEL_NOT_FOUND",
      context: { operation: id, module, class: name },
      suggestions: [
        `Define ${name} at the top level of its module${isSubclass ? " and export it" : ", or give its module: @parallel({ module })"}.`,
        "Under standard decorators, export it or decorate it with @service().",
      ],
    },
  );
}

function missing(target: OperationTarget): never {
  throw notFound(target, false);
}

function refuseIfMainRan(label: string, target: Target): void {
  if (threadState.refusal) throw mainRunsAgain(label, target.module, threadState.refusal);
}

/** The plugins whose modules this thread has loaded, of all copies of the core. */
function knownPlugins(): Plugin[] {
  const shared = (globalThis as { [key: symbol]: { plugins: Map<string, Plugin> } | undefined })[
    Symbol.for("@mlmcp/core/1")
  ];
  return [...(shared?.plugins.values() ?? [])];
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
