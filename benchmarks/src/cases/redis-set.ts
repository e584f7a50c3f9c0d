import type { Case } from "../harness/case.js";
import { setOne, REFERENCE, redisContenders } from "./support/redis.js";

const redisSet: Case = {
  name: "redis-set",
  question:
    "What does setting a value in a Redis on the same machine cost, one after another? Small objects; 1,024 keys in turn.",
  reference: REFERENCE,
  contenders: redisContenders(async (subject, calls) => {
    let last: unknown;
    for (let i = 0; i < calls; i += 1) last = await setOne(subject, i);
    return last;
  }),
  waits: true,
  awake: true,
};

export default redisSet;
