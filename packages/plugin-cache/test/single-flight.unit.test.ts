import { describe, expect, it } from "vitest";
import { SingleFlight, type Ticket, type Work } from "../src/single-flight.js";

/** Work that the test lands by hand. */
function pending<T>() {
  let land!: (value: T) => void;
  let crash!: (error: unknown) => void;
  const promise = new Promise<T>((resolve, reject) => ([land, crash] = [resolve, reject]));
  const abandoned: unknown[] = [];
  const work: Work<T> = { promise, abandon: (reason) => void abandoned.push(reason) };
  return { work, land, crash, abandoned };
}

describe("single-flight", () => {
  it("runs each key once at a time and tells who began", async () => {
    const flights = new SingleFlight<string>();
    const trace: string[] = [];
    const a = pending<string>();
    const begin =
      (name: string, { work }: { work: Work<string> }) =>
      () => {
        trace.push(`begin ${name}`);
        return work;
      };
    const first = flights.join("a", begin("a", a));
    const second = flights.join("a", begin("a again", a));
    const b = pending<string>();
    const other = flights.join("b", begin("b", b));
    b.land("B");
    a.land("A");
    expect(await Promise.all([first, second, other])).toEqual([
      { value: "A", first: true },
      { value: "A", first: false },
      { value: "B", first: true },
    ]);
    const next = pending<string>();
    next.land("A2");
    expect(await flights.join("a", begin("a anew", next))).toEqual({ value: "A2", first: true });
    expect(trace).toEqual(["begin a", "begin b", "begin a anew"]);
  });

  it("gives all the same error and begins anew after it, also where the work throws at once", async () => {
    const flights = new SingleFlight<string>();
    const { work, crash } = pending<string>();
    const waiting = Promise.allSettled([flights.join("a", () => work), flights.join("a", () => work)]);
    const error = new Error("crash");
    crash(error);
    expect(await waiting).toEqual([
      { status: "rejected", reason: error },
      { status: "rejected", reason: error },
    ]);
    const thrown = new Error("at once");
    const throwing = flights.join("a", () => {
      throw thrown;
    });
    await expect(throwing).rejects.toBe(thrown);
    const { work: fresh, land } = pending<string>();
    land("fine");
    expect(await flights.join("a", () => fresh)).toEqual({ value: "fine", first: true });
  });

  it("lets one who aborts leave, and abandons the work only after the last", async () => {
    const flights = new SingleFlight<string>();
    const { work, land, abandoned } = pending<string>();
    const trace: string[] = [];
    const leavers = ["x", "y"].map((name) => {
      const controller = new AbortController();
      const join = flights.join("a", () => work, controller.signal);
      return {
        controller,
        left: join.catch((reason: unknown) => void trace.push(`${name} left: ${String(reason)}`)),
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
    const anew = flights.join("a", () => next);
    land("too late");
    landNext("new");
    expect(await anew).toEqual({ value: "new", first: true });
  });

  it("is not abandoned while somebody without a signal waits", async () => {
    const flights = new SingleFlight<string>();
    const { work, land, abandoned } = pending<string>();
    const controller = new AbortController();
    const left = flights.join("a", () => work, controller.signal).catch(() => "left");
    const stays = flights.join("a", () => work);
    controller.abort();
    expect(await left).toBe("left");
    land("A");
    expect((await stays).value).toBe("A");
    expect(abandoned).toEqual([]);
  });

  it("listens to no signal once it has landed", async () => {
    const flights = new SingleFlight<string>();
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
    const waiting = flights.join("a", () => work, signal);
    expect(listening).toBe(1);
    land("A");
    await waiting;
    expect(listening).toBe(0);
  });

  it("tells work that was forgotten, which the next to ask does not join", async () => {
    const flights = new SingleFlight<string>();
    const [old, fresh] = [pending<string>(), pending<string>()];
    const tickets: Ticket[] = [];
    const begin = (work: Work<string>) => (ticket: Ticket) => {
      tickets.push(ticket);
      return work;
    };
    const before = flights.join("a", begin(old.work));
    flights.forgetAll();
    const after = flights.join("a", begin(fresh.work));
    old.land("old");
    fresh.land("fresh");
    expect([(await before).value, (await after).value]).toEqual(["old", "fresh"]);
    expect(tickets.map(({ forgotten }) => forgotten)).toEqual([true, false]);
  });
});
