import type { KernelConfig } from "../config/index.js";
import { ConfigurationError, isMlmcpError } from "../errors/index.js";
import type { AnyDecorator } from "../operations/decorator-types.js";
import { shared } from "../operations/shared-state.js";
import type { Plugin } from "../plugin.js";
import { expectThat, runContract, type ContractOptions, type ContractRule } from "./contract.js";
import { createTestKernel } from "./create-test-kernel.js";
import { leftoversOf } from "./leftovers.js";
import { legacySubjects, standardSubjects, type SubjectDefinition, type Subjects } from "./subjects.js";

/** A decorator and what it needs to run. */
export interface DecoratorSubject {
  readonly decorator: AnyDecorator;
  /** The plugins that it needs, its own first. */
  readonly plugins: readonly Plugin[];
  /** Options under which it changes no result: what a user would call the normal case. */
  readonly options?: unknown;
  /** Configuration of the test's kernel. */
  readonly config?: KernelConfig;
}

export type DecoratorRule =
  | "result"
  | "error"
  | "this"
  | "arguments"
  | "shape"
  | "synchronous"
  | "concurrency"
  | "off"
  | "options"
  | "leftovers";

export interface DecoratorContractOptions extends ContractOptions<DecoratorRule> {
  /**
   * How the decorator is applied, by name. Default: by hand as legacy and as standard
   * decorators; a compiler's output can be tested in their place.
   */
  readonly modes?: Readonly<Record<string, SubjectDefinition>>;
}

/**
 * What every decorator promises, as rules to run in any test runner:
 *
 * ```ts
 * for (const { title, run } of decoratorContract({ decorator: audited, plugins: [auditPlugin] })) it(title, run);
 * ```
 */
export function decoratorContract(
  subject: DecoratorSubject | AnyDecorator,
  {
    except = [],
    modes = { legacy: legacySubjects, standard: standardSubjects },
  }: DecoratorContractOptions = {},
): Array<ContractRule<DecoratorRule>> {
  return Object.entries(modes).flatMap(([mode, define]) => {
    const rules = rulesFor(subjectOf(subject), define);
    return (Object.keys(rules) as DecoratorRule[])
      .filter((rule) => !except.includes(rule))
      .map((rule) => ({ rule, title: `${mode}: ${rules[rule].title}`, run: rules[rule].run }));
  });
}

/** Runs the whole contract; rejects with every rule that is broken. */
export function runDecoratorContract(
  subject: DecoratorSubject | AnyDecorator,
  options?: DecoratorContractOptions,
): Promise<void> {
  return runContract(`@${subjectOf(subject).decorator.advice.name}`, decoratorContract(subject, options));
}

/** A decorator by itself needs the plugin that contributes it, and no options. */
function subjectOf(subject: DecoratorSubject | AnyDecorator): DecoratorSubject {
  if (typeof subject !== "function") return subject;
  const plugin = shared.pluginOf.get(subject.advice);
  return { decorator: subject, plugins: plugin ? [plugin] : [] };
}

type Rules = Record<DecoratorRule, { readonly title: string; run(): Promise<void> }>;

function rulesFor(subject: DecoratorSubject, define: SubjectDefinition): Rules {
  const { decorator, plugins, options } = subject;
  const decorate = () => decorator(options);
  const within = async (
    use: (instance: Subjects) => Promise<void>,
    config: KernelConfig = {},
  ): Promise<void> => {
    const Subject = define(decorate);
    const kernel = await createTestKernel({ plugins, config: { ...subject.config, ...config } });
    try {
      await use(kernel.adopt(new Subject()));
    } finally {
      await kernel.stop();
    }
  };
  return {
    result: {
      title: "returns what the method returns",
      run: () =>
        within(async (instance) => {
          const value = { text: "ä", list: [1, null, true] };
          const received = JSON.stringify(await instance.identity(value));
          expectThat(
            received === JSON.stringify(value),
            `the method returned ${JSON.stringify(value)}, the caller got ${received}`,
          );
        }),
    },
    error: {
      title: "throws the very error that the method throws",
      run: () =>
        within(async (instance) => {
          const thrown = await instance.fail().catch((error: unknown) => error);
          expectThat(
            thrown === instance.error,
            `the method threw its own error, the caller got ${String(thrown)}`,
          );
          expectThat(instance.error.message === "the method's own error", "the error's message was changed");
        }),
    },
    this: {
      title: "calls the method on the same object",
      run: () =>
        within(async (instance) => {
          await instance.touch();
          expectThat(instance.touched, "the method's `this` was another object");
        }),
    },
    arguments: {
      title: "hands on every argument in order",
      run: () =>
        within(async (instance) => {
          const received = JSON.stringify(await instance.pair("first", { second: 2 }));
          expectThat(
            received === '["first",{"second":2}]',
            `the method was given ("first", { second: 2 }) and received ${received}`,
          );
        }),
    },
    shape: {
      title: "keeps the method's name and number of parameters",
      async run() {
        const { pair } = define(decorate).prototype as Subjects;
        expectThat(pair.name === "pair", `the method is called "pair", the decorated one "${pair.name}"`);
        expectThat(pair.length === 2, `the method has 2 parameters, the decorated one ${pair.length}`);
      },
    },
    synchronous: {
      title: decorator.advice.serves?.sync
        ? "keeps synchronous methods synchronous"
        : "refuses synchronous methods with a clear error",
      run: () =>
        within(async (instance) => {
          const received = instance.plain("value");
          if (decorator.advice.serves?.sync) {
            expectThat(
              received === "value",
              `the method returned "value" synchronously, the caller got ${String(received)}`,
            );
            return;
          }
          const error = await Promise.resolve(received).catch((reason: unknown) => reason);
          expectThat(
            isMlmcpError(error) && error.code === "MLMCP_SYNCHRONOUS_METHOD",
            `the caller got ${String(error)}`,
          );
        }),
    },
    concurrency: {
      title: "keeps concurrent calls apart",
      run: () =>
        within(async (instance) => {
          const values = Array.from({ length: 20 }, (_, index) => `call ${index}`);
          const received = await Promise.all(values.map((value) => instance.later(value)));
          const mixed = values.findIndex((value, index) => received[index] !== value);
          expectThat(mixed < 0, `call ${mixed} got ${String(received[mixed])}`);
        }),
    },
    off: {
      title: "passes through where the configuration turns it off",
      run: () =>
        within(
          async (instance) => {
            const received = instance.plain("value");
            expectThat(
              received === "value",
              `turned off, a synchronous method still returned ${String(received)}`,
            );
          },
          { operations: { "*": { [decorator.advice.name]: false } } },
        ),
    },
    options: {
      title: "refuses an unknown option",
      async run() {
        let thrown: unknown;
        try {
          const given = typeof options === "object" && options !== null ? options : {};
          define(() => decorator({ ...given, noSuchOption: true }));
        } catch (error) {
          thrown = error;
        }
        expectThat(thrown instanceof ConfigurationError, "the option `noSuchOption` was accepted");
      },
    },
    leftovers: {
      title: "leaves nothing behind when the kernel stops",
      async run() {
        const left = await leftoversOf(() =>
          within(async (instance) => {
            await instance.identity("value");
            await instance.fail().catch(() => undefined);
          }),
        );
        expectThat(left.length === 0, `left open: ${left.join(", ")}`);
      },
    },
  };
}
