import { describe, expect, it } from "vitest";
import { SingleFlight, type Ticket, type Work } from "../../src/flights/single-flight.js";

/** Work that the test lands by hand. */
function pending<T>() {
  let land!: (value: T) => void;
  let crash!: (error: unknown) => void;
  const promise = new Promise<T>((resolve, reject) => ([land, crash] = [resolve, reject]));
  const abandoned: unknown[] = [];
  const work: Work<T> = { promise, abandon: (reason) => void abandoned.push(reason) };
  return { work, land, crash, abandoned };
}

/** Joins what is under way, or begins it, as a cache does. */
async function join<T>(
  flights: SingleFlight<Work<T>>,
  key: string,
  begin: (ticket: Ticket) => Work<T>,
  signal?: AbortSignal,
): Promise<{ value: T; first: boolean }> {
  const running = flights.get(key);
  const value = await (running ?? flights.begin(key, begin)).wait(signal);
  return { value, first: running === undefined };
}

describe("single-flight", () => {
  it("runs each key once at a time and tells who began", async () => {
    const flights = new SingleFlight<Work<string>>();
    const trace: string[] = [];
    const a = pending<string>();
    const begin =
      (name: string, { work }: { work: Work<string> }) =>
      () => {
        trace.push(`begin ${name}`);
        return work;
      };
    const first = join(flights, "a", begin("a", a));
    const second = join(flights, "a", begin("a again", a));
    const b = pending<string>();
    const other = join(flights, "b", begin("b", b));
    b.land("B");
    a.land("A");
    expect(await Promise.all([first, second, other])).toEqual([
      { value: "A", first: true },
      { value: "A", first: false },
      { value: "B", first: true },
    ]);
    const next = pending<string>();
    next.land("A2");
    expect(await join(flights, "a", begin("a anew", next))).toEqual({ value: "A2", first: true });
    expect(trace).toEqual(["begin a", "begin b", "begin a anew"]);
  });

  it("gives all the same error and begins anew after it, also where the work throws at once", async () => {
    const flights = new SingleFlight<Work<string>>();
    const { work, crash } = pending<string>();
    const waiting = Promise.allSettled([join(flights, "a", () => work), join(flights, "a", () => work)]);
    const error = new Error("crash");
    crash(error);
    expect(await waiting).toEqual([
      { status: "rejected", reason: error },
      { status: "rejected", reason: error },
    ]);
    const thrown = new Error("at once");
    const throwing = join(flights, "a", () => {
      throw thrown;
    });
    await expect(throwing).rejects.toBe(thrown);
    const { work: fresh, land } = pending<string>();
    land("fine");
    expect(await join(flights, "a", () => fresh)).toEqual({ value: "fine", first: true });
  });

  it("lets one who aborts leave, and abandons the work only after the last", async () => {
    const flights = new SingleFlight<Work<string>>();
    const { work, land, abandoned } = pending<string>();
    const trace: string[] = [];
    const leavers = ["x", "y"].map((name) => {
      const controller = new AbortController();
      const joined = join(flights, "a", () => work, controller.signal);
      return {
        controller,
        left: joined.catch((reason: unknown) => void trace.push(`${name} left: ${String(reason)}`)),
      };
    });
    leavers[0]!.controller.abort("bored");
    await leavers[0]!.left;
    expect(abandoned).toEqual([]);
    leavers[1]!.controller.abort("late");
    await leavers[1]!.left;
    expect(trace).toEqual(["x left: bored", "y left: late"]);
    expect(abandoned).toEqual(["late"]);
    const { work: next, land: landNext } = pending<string>();
    const anew = join(flights, "a", () => next);
    land("too late");
    landNext("new");
    expect(await anew).toEqual({ value: "new", first: true });
  });

  it("is left at once by one whose signal has aborted before", async () => {
    const flights = new SingleFlight<Work<string>>();
    const { work, land, abandoned } = pending<string>();
    const left = (name: string): Promise<unknown> =>
      join(flights, "a", () => work, AbortSignal.abort(name)).catch((reason: unknown) => reason);
    const stays = join(flights, "a", () => work);
    expect(await left("gone")).toBe("gone");
    expect(abandoned).toEqual([]);
    land("A");
    expect((await stays).value).toBe("A");
    const alone = pending<string>();
    const first = join(flights, "a", () => alone.work, AbortSignal.abort("alone"));
    await expect(first).rejects.toBe("alone");
    expect(alone.abandoned).toEqual(["alone"]);
  });

  it("is there for those who ask while it begins, and knows that they ask from inside", () => {
    const flights = new SingleFlight<Work<string>>();
    const { work } = pending<string>();
    const seen: (boolean | undefined)[] = [];
    const flight = flights.begin("a", () => {
      seen.push(flights.get("a")?.isBeginning);
      return work;
    });
    expect([...seen, flight.isBeginning]).toEqual([true, false]);
  });

  it("forgets by their key also what nobody waits for any more, and what another takes the place of", async () => {
    const flights = new SingleFlight<Work<string>>();
    const tickets: Ticket[] = [];
    const forgotten: number[] = [];
    const leave = async (): Promise<void> => {
      const { work } = pending<string>();
      const begin = (ticket: Ticket): Work<string> => {
        const index = tickets.push(ticket);
        return { ...work, forget: () => void forgotten.push(index) };
      };
      await join(flights, "a", begin, AbortSignal.abort()).catch(() => undefined);
    };
    await leave();
    expect(tickets.map((ticket) => ticket.forgotten)).toEqual([false]);
    await leave();
    expect(tickets.map((ticket) => ticket.forgotten)).toEqual([true, false]);
    flights.forget("a");
    expect(tickets.map((ticket) => ticket.forgotten)).toEqual([true, true]);
    expect(forgotten).toEqual([1, 2]);
  });

  it("forgets the oldest of very many that nobody waits for any more", async () => {
    const flights = new SingleFlight<Work<string>>();
    const tickets: Ticket[] = [];
    for (let index = 0; index <= 1_000; index++) {
      const begin = (ticket: Ticket): Work<string> => (tickets.push(ticket), pending<string>().work);
      await join(flights, `k${index}`, begin, AbortSignal.abort()).catch(() => undefined);
    }
    expect(tickets.flatMap(({ forgotten }, index) => (forgotten ? [index] : []))).toEqual([0]);
  });

  it("is not abandoned while somebody without a signal waits", async () => {
    const flights = new SingleFlight<Work<string>>();
    const { work, land, abandoned } = pending<string>();
    const controller = new AbortController();
    const left = join(flights, "a", () => work, controller.signal).catch(() => "left");
    const stays = join(flights, "a", () => work);
    controller.abort();
    expect(await left).toBe("left");
    land("A");
    expect((await stays).value).toBe("A");
    expect(abandoned).toEqual([]);
  });

  it("listens to no signal once it has landed", async () => {
    const flights = new SingleFlight<Work<string>>();
    const { signal } = new AbortController();
    let listening = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = ((...given: Parameters<typeof add>) => (
      listening++,
      add(...given)
    )) as typeof add;
    signal.removeEventListener = ((...given: Parameters<typeof remove>) => (
      listening--,
      remove(...given)
    )) as typeof remove;
    const { work, land } = pending<string>();
    const waiting = join(flights, "a", () => work, signal);
    expect(listening).toBe(1);
    land("A");
    await waiting;
    expect(listening).toBe(0);
  });

  it("tells work that was forgotten, which the next to ask does not join", async () => {
    const flights = new SingleFlight<Work<string>>();
    const [old, fresh] = [pending<string>(), pending<string>()];
    const tickets: Ticket[] = [];
    const begin = (work: Work<string>) => (ticket: Ticket) => {
      tickets.push(ticket);
      return work;
    };
    const before = join(flights, "a", begin(old.work));
    flights.forgetAll();
    const after = join(flights, "a", begin(fresh.work));
    old.land("old");
    fresh.land("fresh");
    expect([(await before).value, (await after).value]).toEqual(["old", "fresh"]);
    expect(tickets.map(({ forgotten }) => forgotten)).toEqual([true, false]);
  });

  it("goes on once it is detached, though the last one has left, and says whether it was already", async () => {
    const flights = new SingleFlight<Work<string>>();
    const { work, land, abandoned } = pending<string>();
    const controller = new AbortController();
    const flight = flights.begin("a", () => work);
    const left = flight.wait(controller.signal).catch(() => "left");
    expect([flight.detach(), flight.detach()]).toEqual([true, false]);
    controller.abort();
    expect(await left).toBe("left");
    expect(abandoned).toEqual([]);
    expect(flights.get("a")).toBe(flight);
    land("A");
    expect(await flight.wait()).toBe("A");
  });

  it("gives up everything at once, what was forgotten included, and waits for its end", async () => {
    const flights = new SingleFlight<Work<string>>();
    const [forgotten, running] = [pending<string>(), pending<string>()];
    flights.begin("a", () => forgotten.work);
    flights.begin("a", () => running.work).detach();
    const trace: string[] = [];
    const ended = flights.abandonAll("the end").then(() => trace.push("all have ended"));
    expect([forgotten.abandoned, running.abandoned]).toEqual([["the end"], ["the end"]]);
    expect(flights.get("a")).toBeUndefined();
    running.crash("gone");
    await running.work.promise.catch(() => trace.push("one has ended"));
    forgotten.land("late");
    await ended;
    expect(trace).toEqual(["one has ended", "all have ended"]);
  });
});
