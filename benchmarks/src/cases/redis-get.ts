import type { Case } from "../harness/case.js";
import { REFERENCE, redisContenders } from "./support/redis.js";
import { getOne } from "./support/stored.js";

const redisGet: Case = {
  name: "redis-get",
  question:
    "What does getting a value in a Redis on the same machine cost, one after another? Small objects; 1,024 keys in turn.",
  reference: REFERENCE,
  contenders: redisContenders(async (subject, calls) => {
    let last: unknown;
    for (let i = 0; i < calls; i += 1) last = await getOne(subject, i);
    return last;
  }),
  waits: true,
  awake: true,
};

export default redisGet;
