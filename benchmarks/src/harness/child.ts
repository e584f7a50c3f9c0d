import { bytesPerCall } from "./allocation.js";
import type { Case, Subject } from "./case.js";
import type { Answer, Request } from "./messages.js";

/**
 * The measuring side: sets some contenders of a case up, then does what it is asked, one thing
 * at a time, until the channel closes.
 */
export async function serve({ contenders }: Case, names: readonly string[]): Promise<void> {
  const subjects = new Map<string, Subject>();
  for (const { name, setup } of contenders) if (names.includes(name)) subjects.set(name, await setup());
  const closed = new Promise<void>((resolve) => process.once("disconnect", resolve));
  process.on("message", (request: Request) => void answer(subjects.get(request.contender)!, request));
  send({ result: "ready" });
  await closed;
  for (const subject of subjects.values()) await subject.dispose?.();
}

async function answer(subject: Subject, request: Request): Promise<void> {
  try {
    send({ result: await perform(subject, request) });
  } catch (error) {
    send({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}

function perform(subject: Subject, { task, calls }: Request): unknown {
  switch (task) {
    case "check":
      return subject.check();
    case "time":
      return time(subject, calls);
    case "allocation":
      return bytesPerCall(subject);
  }
}

async function time({ run }: Subject, calls: number): Promise<number> {
  const started = process.hrtime.bigint();
  const result = run(calls);
  // Awaiting what is no promise would be measured too.
  if (result instanceof Promise) await result;
  return Number(process.hrtime.bigint() - started);
}

function send(answered: Answer): void {
  process.send!(answered);
}
