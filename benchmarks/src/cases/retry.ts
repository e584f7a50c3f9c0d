import { retry } from "@mlmcp/core";
import { ConstantBackoff, handleAll, retry as cockatielRetry } from "cockatiel";
import pRetry from "p-retry";
import type { Case, Contender } from "../harness/case.js";
import { whatComesOfFailing } from "./support/failing.js";
import { leaveKernel, useKernel } from "./support/kernel.js";

const BARE = "bare call";
const MAX_RETRIES = 3;

const bare: Contender = {
  name: BARE,
  partial: true,
  setup() {
    class Sums {
      async add(n: number) {
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

const cockatiel: Contender = {
  name: "cockatiel retry().execute()",
  setup() {
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
};

const pRetried: Contender = {
  name: "p-retry",
  setup() {
    let runs = 0;
    const options = { retries: MAX_RETRIES, minTimeout: 1, factor: 1 };
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
};

const retryCase: Case = {
  name: "retry",
  question: "What does a retry cost a call that succeeds at once?",
  reference: BARE,
  contenders: [
    bare,
    decorated("@retry"),
    decorated("@retry, system.context: false", false),
    cockatiel,
    pRetried,
  ],
};

export default retryCase;
