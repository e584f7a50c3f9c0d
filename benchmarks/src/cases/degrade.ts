import { EventEmitter } from "node:events";
import { degrade } from "@mlmcp/core";
import { circuitBreaker, ConsecutiveBreaker, handleAll } from "cockatiel";
import CircuitBreaker from "opossum";
import type { Case, Contender } from "../harness/case.js";
import { bareCall } from "./support/bare-call.js";
import { whatComesOfFailing } from "./support/failing.js";
import { leaveKernel, useKernel } from "./support/kernel.js";

const DEGRADE = "@degrade";
const DEFAULT = "opossum, its defaults";
const TUNED = "opossum, tuned";
const THRESHOLD = 3;
const RESET_AFTER_MS = 60_000;

/** A call that works gives its value; of many that fail, few reach the method, and the caller hears why. */
async function breaks(call: () => Promise<unknown>, fail: () => Promise<unknown>, runs: () => number) {
  const value = await call();
  const failing = await whatComesOfFailing(THRESHOLD * 2, fail, runs);
  return { value, stopped: failing.runs <= THRESHOLD, lastError: failing.error !== "always" };
}

const decorated = (name: string, context?: false): Contender => ({
  name,
  usesContext: context !== false,
  async setup() {
    await useKernel([], { system: { context } });
    let runs = 0;
    class Degraded {
      @degrade({ breaker: { failureThreshold: THRESHOLD, resetAfter: RESET_AFTER_MS } })
      async add(n: number) {
        return n + 1;
      }

      @degrade({ breaker: { failureThreshold: THRESHOLD, resetAfter: RESET_AFTER_MS } })
      async fail() {
        runs += 1;
        throw new Error("always");
      }
    }
    const sums = new Degraded();
    return {
      async run(calls) {
        let sum = 0;
        for (let i = 0; i < calls; i += 1) sum += await sums.add(i);
        return sum;
      },
      check: () =>
        breaks(
          () => sums.add(41),
          () => sums.fail(),
          () => runs,
        ),
      dispose: leaveKernel,
    };
  },
});

const opossum = (name: string, options: () => CircuitBreaker.Options): Contender => ({
  name,
  setup() {
    let runs = 0;
    const adding = new CircuitBreaker(async (n: number) => n + 1, options());
    const failing = new CircuitBreaker(async () => {
      runs += 1;
      throw new Error("always");
    }, options());
    return {
      async run(calls) {
        let sum = 0;
        for (let i = 0; i < calls; i += 1) sum += await adding.fire(i);
        return sum;
      },
      check: () =>
        breaks(
          () => adding.fire(41),
          () => failing.fire(),
          () => runs,
        ),
      dispose() {
        adding.shutdown();
        failing.shutdown();
      },
    };
  },
});

const cockatiel: Contender = {
  name: "cockatiel circuitBreaker().execute()",
  setup() {
    let runs = 0;
    const policy = () =>
      circuitBreaker(handleAll, {
        halfOpenAfter: RESET_AFTER_MS,
        breaker: new ConsecutiveBreaker(THRESHOLD),
      });
    const forAdding = policy();
    const forFailing = policy();
    class Sums {
      add(n: number) {
        return forAdding.execute(() => this.#add(n));
      }

      fail() {
        return forFailing.execute(async () => {
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
      check: () =>
        breaks(
          () => sums.add(41),
          () => sums.fail(),
          () => runs,
        ),
    };
  },
};

const degradeCase: Case = {
  name: "degrade",
  question: "What does a closed breaker cost a call that succeeds?",
  reference: bareCall.name,
  contenders: [
    bareCall,
    decorated(DEGRADE),
    decorated("@degrade, system.context: false", false),
    opossum(DEFAULT, () => ({ resetTimeout: RESET_AFTER_MS })),
    opossum(TUNED, () => ({
      resetTimeout: RESET_AFTER_MS,
      timeout: false,
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
      // One that never turns, in place of an interval for each breaker.
      rotateBucketController: new EventEmitter(),
    })),
    cockatiel,
  ],
  budgets: [
    { contender: DEGRADE, over: TUNED, ratio: 1.2 },
    { contender: DEGRADE, over: DEFAULT, ratio: 1 },
  ],
};

export default degradeCase;
