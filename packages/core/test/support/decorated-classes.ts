import type { Subjects, SubjectClass } from "@mlmcp/core/testing";

/** The contract's subject as a user would write it; compiled by each compiler, in each mode. */
export function subjects(decorator: () => any): SubjectClass {
  class ContractSubject implements Subjects {
    touched = false;
    readonly error = new Error("the method's own error");
    @decorator()
    async identity(value: unknown): Promise<unknown> {
      return value;
    }
    @decorator()
    async pair(first: unknown, second: unknown): Promise<unknown[]> {
      return [first, second];
    }
    @decorator()
    async fail(): Promise<never> {
      throw this.error;
    }
    @decorator()
    async touch(): Promise<boolean> {
      this.touched = true;
      return true;
    }
    @decorator()
    async later(value: unknown): Promise<unknown> {
      await new Promise((resolve) => setImmediate(resolve));
      return value;
    }
    @decorator()
    plain(value: unknown): unknown {
      return value;
    }
  }
  return ContractSubject;
}

/** Every other place that a decorator can stand in. */
export function classes(decorator: (options?: object) => any, service: () => any) {
  @service()
  class Parent {
    @decorator()
    work(): string {
      return "parent";
    }
    @decorator()
    static tool(): string {
      return "tool";
    }
  }
  class Child extends Parent {
    @decorator()
    override work(): string {
      return `child of ${super.work()}`;
    }
    @decorator()
    async *stream(): AsyncGenerator<number> {
      yield 1;
      yield 2;
    }
  }
  @decorator()
  class Whole {
    one(): number {
      return 1;
    }
    @decorator({ name: "named.two" })
    two(): number {
      return 2;
    }
  }
  return { Parent, Child, Whole };
}
