import type { Case, Contender } from "../harness/case.js";
import { bareCall } from "./support/bare-call.js";
import { intercepted, PassOn } from "./support/interceptor.js";
import { leaveKernel, useKernel } from "./support/kernel.js";
import { fifth, first, fourth, observed, passThroughPlugin, second, third } from "./support/pass-through.js";

const wrapper: Contender = {
  name: "wrapper by hand, hands the promise on",
  setup() {
    class Sums {
      async add(n: number) {
        return n + 1;
      }
    }
    const { add } = Sums.prototype;
    Sums.prototype.add = function (...args) {
      return add.apply(this, args);
    };
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

const asyncWrapper: Contender = {
  name: "async wrapper by hand, counts calls in flight",
  setup() {
    class Sums {
      async add(n: number) {
        return n + 1;
      }
    }
    const { add } = Sums.prototype;
    let inFlight = 0;
    Sums.prototype.add = async function (...args) {
      inFlight += 1;
      try {
        return await add.apply(this, args);
      } finally {
        inFlight -= 1;
      }
    };
    const sums = new Sums();
    return {
      async run(calls) {
        let sum = inFlight;
        for (let i = 0; i < calls; i += 1) sum += await sums.add(i);
        return sum;
      },
      check: async () => ({ value: await sums.add(41) }),
    };
  },
};

const one: Contender = {
  name: "1 pass-through advice",
  async setup() {
    await useKernel([passThroughPlugin]);
    class OneAdvice {
      @first()
      async add(n: number) {
        return n + 1;
      }
    }
    const sums = new OneAdvice();
    return {
      async run(calls) {
        let sum = 0;
        for (let i = 0; i < calls; i += 1) sum += await sums.add(i);
        return sum;
      },
      check: async () => ({ value: await sums.add(41) }),
      dispose: leaveKernel,
    };
  },
};

const five: Contender = {
  name: "5 pass-through advices",
  async setup() {
    await useKernel([passThroughPlugin]);
    class FiveAdvices {
      @first()
      @second()
      @third()
      @fourth()
      @fifth()
      async add(n: number) {
        return n + 1;
      }
    }
    const sums = new FiveAdvices();
    return {
      async run(calls) {
        let sum = 0;
        for (let i = 0; i < calls; i += 1) sum += await sums.add(i);
        return sum;
      },
      check: async () => ({ value: await sums.add(41) }),
      dispose: leaveKernel,
    };
  },
};

const observer: Contender = {
  name: "1 observer that does nothing",
  async setup() {
    await useKernel([passThroughPlugin]);
    class OneObserver {
      @observed()
      async add(n: number) {
        return n + 1;
      }
    }
    const sums = new OneObserver();
    return {
      async run(calls) {
        let sum = 0;
        for (let i = 0; i < calls; i += 1) sum += await sums.add(i);
        return sum;
      },
      check: async () => ({ value: await sums.add(41) }),
      dispose: leaveKernel,
    };
  },
};

const interceptor: Contender = {
  name: "1 interceptor, Nest style by hand",
  setup() {
    class Sums {
      async add(n: number) {
        return n + 1;
      }
    }
    Sums.prototype.add = intercepted(Sums.prototype.add, [new PassOn()]);
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

const dispatchAsync: Case = {
  name: "dispatch-async",
  question:
    "What does it cost an async method to be decorated at all? One kernel, context off, calls in flight counted.",
  reference: bareCall.name,
  contenders: [bareCall, wrapper, asyncWrapper, one, five, observer, interceptor],
  budgets: [{ contender: one.name, over: bareCall.name, ns: 60, referenceNs: 29 }],
};

export default dispatchAsync;
