import type { Case, Contender } from "../harness/case.js";
import { leaveKernel, useKernel } from "./support/kernel.js";
import { fifth, first, fourth, observed, passThroughPlugin, second, third } from "./support/pass-through.js";

const BARE = "bare call";

const bare: Contender = {
  name: BARE,
  setup() {
    class Sums {
      add(n: number) {
        return n + 1;
      }
    }
    const sums = new Sums();
    return {
      run(calls) {
        let sum = 0;
        for (let i = 0; i < calls; i += 1) sum += sums.add(i);
        return sum;
      },
      check: () => ({ value: sums.add(41) }),
    };
  },
};

const wrapper: Contender = {
  name: "wrapper by hand",
  setup() {
    class Sums {
      add(n: number) {
        return n + 1;
      }
    }
    const { add } = Sums.prototype;
    Sums.prototype.add = function (...args) {
      return add.apply(this, args);
    };
    const sums = new Sums();
    return {
      run(calls) {
        let sum = 0;
        for (let i = 0; i < calls; i += 1) sum += sums.add(i);
        return sum;
      },
      check: () => ({ value: sums.add(41) }),
    };
  },
};

const countingWrapper: Contender = {
  name: "wrapper by hand, counts calls in flight",
  setup() {
    class Sums {
      add(n: number) {
        return n + 1;
      }
    }
    const { add } = Sums.prototype;
    let inFlight = 0;
    Sums.prototype.add = function (...args) {
      inFlight += 1;
      try {
        return add.apply(this, args);
      } finally {
        inFlight -= 1;
      }
    };
    const sums = new Sums();
    return {
      run(calls) {
        let sum = inFlight;
        for (let i = 0; i < calls; i += 1) sum += sums.add(i);
        return sum;
      },
      check: () => ({ value: sums.add(41) }),
    };
  },
};

const one: Contender = {
  name: "1 pass-through advice",
  async setup() {
    await useKernel([passThroughPlugin]);
    class OneAdvice {
      @first()
      add(n: number) {
        return n + 1;
      }
    }
    const sums = new OneAdvice();
    return {
      run(calls) {
        let sum = 0;
        for (let i = 0; i < calls; i += 1) sum += sums.add(i);
        return sum;
      },
      check: () => ({ value: sums.add(41) }),
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
      add(n: number) {
        return n + 1;
      }
    }
    const sums = new FiveAdvices();
    return {
      run(calls) {
        let sum = 0;
        for (let i = 0; i < calls; i += 1) sum += sums.add(i);
        return sum;
      },
      check: () => ({ value: sums.add(41) }),
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
      add(n: number) {
        return n + 1;
      }
    }
    const sums = new OneObserver();
    return {
      run(calls) {
        let sum = 0;
        for (let i = 0; i < calls; i += 1) sum += sums.add(i);
        return sum;
      },
      check: () => ({ value: sums.add(41) }),
      dispose: leaveKernel,
    };
  },
};

const dispatchSync: Case = {
  name: "dispatch-sync",
  question:
    "What does it cost a synchronous method to be decorated at all? It stays synchronous. The compiler puts the bare call into the loop, so ratios to it are large: the differences tell more.",
  reference: BARE,
  contenders: [bare, wrapper, countingWrapper, one, five, observer],
};

export default dispatchSync;
