import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Case, Checked, Contender } from "./case.js";
import type { Timed } from "./interleave.js";
import type { Answer, Request } from "./messages.js";

/** A contender in the process that measures it. */
export interface Remote extends Timed {
  check(): Promise<Checked>;
  /** Bytes a call, or nothing where it cannot be told. */
  allocation(): Promise<number | undefined>;
}

/**
 * Which contenders share a process: all of them, unless one switches AsyncLocalStorage on. Then
 * each has its own, and the processes take turns: while one measures, the others wait.
 */
export function groupsOf(contenders: readonly Contender[]): Contender[][] {
  return contenders.some(({ usesContext }) => usesContext)
    ? contenders.map((each) => [each])
    : [[...contenders]];
}

/** Starts the processes of a case, hands its contenders over, and ends the processes. */
export async function withProcesses<T>(
  { name, contenders }: Case,
  { entry, flags }: { entry: string; flags: readonly string[] },
  use: (remotes: readonly Remote[]) => Promise<T>,
): Promise<T> {
  const processes: MeasuringProcess[] = [];
  try {
    const remotes: Remote[] = [];
    for (const group of groupsOf(contenders)) {
      const names = group.map((each) => each.name);
      const measuring = new MeasuringProcess(entry, flags, [
        "--measure",
        name,
        ...names.flatMap((each) => ["--contender", each]),
      ]);
      processes.push(measuring);
      await measuring.ready;
      remotes.push(...names.map((each) => measuring.remote(each)));
    }
    return await use(remotes);
  } finally {
    await Promise.all(processes.map((each) => each.stop()));
  }
}

class MeasuringProcess {
  readonly ready: Promise<unknown>;
  readonly #child: ChildProcess;
  readonly #over: Promise<unknown>;
  #waiting: { resolve(result: unknown): void; reject(error: Error): void } | undefined;

  constructor(entry: string, flags: readonly string[], args: readonly string[]) {
    // Standard output belongs to the report; what a contender prints goes to standard error.
    this.#child = fork(entry, args, {
      execArgv: [...flags],
      serialization: "advanced",
      stdio: ["ignore", 2, 2, "ipc"],
    });
    this.#over = once(this.#child, "exit");
    this.#child.on("message", (answer: Answer) => {
      const waiting = this.#waiting;
      this.#waiting = undefined;
      if ("error" in answer) waiting?.reject(new Error(`A contender failed:\n${answer.error}`));
      else waiting?.resolve(answer.result);
    });
    this.#child.once("exit", (code, signal) => {
      this.#waiting?.reject(
        new Error(
          `A measuring process (${args.join(" ")}) ended early with ${signal ?? `exit code ${code}`}.`,
        ),
      );
    });
    this.ready = this.#answer();
  }

  remote(contender: string): Remote {
    const ask = (task: Request["task"], calls = 0) => this.#ask({ task, contender, calls });
    return {
      name: contender,
      check: () => ask("check") as Promise<Checked>,
      time: (calls) => ask("time", calls) as Promise<number>,
      allocation: () => ask("allocation") as Promise<number | undefined>,
    };
  }

  async stop(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    await this.#over;
  }

  #ask(request: Request): Promise<unknown> {
    const answer = this.#answer();
    this.#child.send(request);
    return answer;
  }

  #answer(): Promise<unknown> {
    return new Promise((resolve, reject) => (this.#waiting = { resolve, reject }));
  }
}
