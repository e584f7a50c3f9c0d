import { OperationTimeoutError, timeout } from "@mlmcp/core";
import { TaskCancelledError, timeout as cockatielTimeout, TimeoutStrategy } from "cockatiel";
import type { Case, Contender } from "../harness/case.js";
import { bareCall } from "./support/bare-call.js";
import { leaveKernel, useKernel } from "./support/kernel.js";

const TIMEOUT = "@timeout";
const COCKATIEL = "cockatiel timeout().execute()";

/** Long enough for every call that is measured. */
const LIMIT = 10_000;

/** What becomes of a call that never ends by itself: released in time, or not. */
async function releaseOf(call: () => Promise<unknown>): Promise<string> {
  const error = await call().catch((thrown: unknown) => thrown);
  return error instanceof OperationTimeoutError || error instanceof TaskCancelledError
    ? "released"
    : "not released";
}

const decorated = (name: string, context?: false): Contender => ({
  name,
  usesContext: context !== false,
  async setup() {
    await useKernel([], { system: { context } });
    class Timed {
      @timeout(LIMIT)
      async add(n: number) {
        return n + 1;
      }

      @timeout(1)
      async hang() {
        return new Promise<never>(() => undefined);
      }
    }
    const sums = new Timed();
    return {
      async run(calls) {
        let sum = 0;
        for (let i = 0; i < calls; i += 1) sum += await sums.add(i);
        return sum;
      },
      check: async () => ({ value: await sums.add(41), hanging: await releaseOf(() => sums.hang()) }),
      dispose: leaveKernel,
    };
  },
});

const cockatiel: Contender = {
  name: COCKATIEL,
  setup() {
    const patient = cockatielTimeout(LIMIT, TimeoutStrategy.Aggressive);
    const impatient = cockatielTimeout(1, TimeoutStrategy.Aggressive);
    class Sums {
      add(n: number) {
        return patient.execute(() => this.#add(n));
      }

      hang() {
        return impatient.execute(() => new Promise<never>(() => undefined));
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
      check: async () => ({ value: await sums.add(41), hanging: await releaseOf(() => sums.hang()) }),
    };
  },
};

const timeoutCase: Case = {
  name: "timeout",
  question: "What does a time limit cost a call that ends in time?",
  reference: bareCall.name,
  contenders: [bareCall, decorated(TIMEOUT), decorated("@timeout, system.context: false", false), cockatiel],
  budgets: [{ contender: TIMEOUT, over: COCKATIEL, ratio: 0.3 }],
};

export default timeoutCase;
