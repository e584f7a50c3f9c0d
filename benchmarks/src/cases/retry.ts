import { AsyncLocalStorage } from "node:async_hooks";
import { retry } from "@mlmcp/core";
import { ConstantBackoff, handleAll, retry as cockatielRetry } from "cockatiel";
import pRetry from "p-retry";
import type { Case, Contender } from "../harness/case.js";
import { bareCall } from "./support/bare-call.js";
import { whatComesOfFailing } from "./support/failing.js";
import { leaveKernel, useKernel } from "./support/kernel.js";

const RETRY = "@retry";
const WITHOUT_CONTEXT = "@retry, system.context: false";
const COCKATIEL = "cockatiel retry().execute()";
const P_RETRY = "p-retry, some options";
const P_RETRY_TUNED = "p-retry, every option";
/** As where anything in the process keeps a context, such as @retry or the tracing of requests. */
const IN_CONTEXT = ", AsyncLocalStorage in use";
const COCKATIEL_IN_CONTEXT = `${COCKATIEL}${IN_CONTEXT}`;
const P_RETRY_TUNED_IN_CONTEXT = `${P_RETRY_TUNED}${IN_CONTEXT}`;
const MAX_RETRIES = 3;

const decorated = (name: string, context?: false): Contender => ({
  name,
  usesContext: context !== false,
  async setup() {
    await useKernel([], { system: { context } });
    let runs = 0;
    class Retried {
      @retry({ maxRetries: MAX_RETRIES, backoff: "constant", initialDelay: 1, jitter: "none" })
      async add(n: number) {
        return n + 1;
      }

      @retry({ maxRetries: MAX_RETRIES, backoff: "constant", initialDelay: 1, jitter: "none" })
      async fail() {
        runs += 1;
        throw new Error("always");
      }
    }
    const sums = new Retried();
    return {
      async run(calls) {
        let sum = 0;
        for (let i = 0; i < calls; i += 1) sum += await sums.add(i);
        return sum;
      },
      check: async () => ({
        value: await sums.add(41),
        failing: await whatComesOfFailing(
          1,
          () => sums.fail(),
          () => runs,
        ),
      }),
      dispose: leaveKernel,
    };
  },
});

const cockatiel = (name: string, usesContext = false): Contender => ({
  name,
  usesContext,
  setup() {
    if (usesContext) useStorage();
    let runs = 0;
    const policy = cockatielRetry(handleAll, { maxAttempts: MAX_RETRIES, backoff: new ConstantBackoff(1) });
    class Sums {
      add(n: number) {
        return policy.execute(() => this.#add(n));
      }

      fail() {
        return policy.execute(async () => {
          runs += 1;
          throw new Error("always");
        });
      }

      async #add(n: number) {
        return n + 1;
      }
    }
    const sums = new Sums();
    return {
      async run(calls) {
        let sum = 0;
        for (let i = 0; i < calls; i += 1) sum += await sums.add(i);
        return sum;
      },
      check: async () => ({
        value: await sums.add(41),
        failing: await whatComesOfFailing(
          1,
          () => sums.fail(),
          () => runs,
        ),
      }),
    };
  },
});

const bareUnderContext: Contender = {
  ...bareCall,
  name: `${bareCall.name}${IN_CONTEXT}`,
  usesContext: true,
  setup() {
    useStorage();
    return bareCall.setup();
  },
};

function useStorage(): void {
  new AsyncLocalStorage().enterWith({});
}

const SOME_OPTIONS = { retries: MAX_RETRIES, minTimeout: 1, factor: 1 };

/** Given all, p-retry adds none to its copy of them, which costs it most of its time otherwise. */
const ALL_OPTIONS = {
  ...SOME_OPTIONS,
  maxTimeout: 1,
  maxRetryTime: Infinity,
  randomize: false,
  unref: false,
  onFailedAttempt: () => undefined,
  shouldRetry: () => true,
  shouldConsumeRetry: () => true,
};

const pRetried = (name: string, options: typeof SOME_OPTIONS, usesContext = false): Contender => ({
  name,
  usesContext,
  setup() {
    if (usesContext) useStorage();
    let runs = 0;
    class Sums {
      add(n: number) {
        return pRetry(() => this.#add(n), options);
      }

      fail() {
        return pRetry(async () => {
          runs += 1;
          throw new Error("always");
        }, options);
      }

      async #add(n: number) {
        return n + 1;
      }
    }
    const sums = new Sums();
    return {
      async run(calls) {
        let sum = 0;
        for (let i = 0; i < calls; i += 1) sum += await sums.add(i);
        return sum;
      },
      check: async () => ({
        value: await sums.add(41),
        failing: await whatComesOfFailing(
          1,
          () => sums.fail(),
          () => runs,
        ),
      }),
    };
  },
});

/** Ten retries and a second before the first: what comes of failing is not waited for. */
const pRetriedByDefault: Contender = {
  name: "p-retry, its defaults",
  partial: true,
  setup() {
    class Sums {
      add(n: number) {
        return pRetry(() => this.#add(n));
      }

      async #add(n: number) {
        return n + 1;
      }
    }
    const sums = new Sums();
    return {
      async run(calls) {
        let sum = 0;
        for (let i = 0; i < calls; i += 1) sum += await sums.add(i);
        return sum;
      },
      check: async () => ({ value: await sums.add(41) }),
    };
  },
};

const retryCase: Case = {
  name: "retry",
  question: "What does a retry cost a call that succeeds at once?",
  reference: bareCall.name,
  contenders: [
    bareCall,
    bareUnderContext,
    decorated(RETRY),
    decorated(WITHOUT_CONTEXT, false),
    cockatiel(COCKATIEL),
    cockatiel(COCKATIEL_IN_CONTEXT, true),
    pRetriedByDefault,
    pRetried(P_RETRY, SOME_OPTIONS),
    pRetried(P_RETRY_TUNED, ALL_OPTIONS),
    pRetried(P_RETRY_TUNED_IN_CONTEXT, ALL_OPTIONS, true),
  ],
  budgets: [
    { contender: RETRY, over: P_RETRY, ratio: 1 },
    { contender: RETRY, over: P_RETRY_TUNED_IN_CONTEXT, ratio: 1 },
    { contender: RETRY, over: COCKATIEL_IN_CONTEXT, ratio: 1 },
    { contender: WITHOUT_CONTEXT, over: P_RETRY_TUNED, ratio: 1 },
    { contender: RETRY, over: COCKATIEL, ns: 250, referenceNs: 29 },
    { contender: WITHOUT_CONTEXT, over: COCKATIEL, ratio: 1 },
  ],
};

export default retryCase;
