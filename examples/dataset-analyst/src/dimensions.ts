/** What flights can be grouped by, and the place that a group's key stands for, in SQL. */
export const dimensions = {
  airport: { key: "origin", place: "start.name || ', ' || start.city || ' ' || start.state" },
  route: { key: "origin || '-' || destination", place: "start.city || ' - ' || goal.city" },
  hour: { key: "strftime(date, '%H:00')", place: "NULL" },
  month: { key: "strftime(date, '%Y-%m')", place: "NULL" },
  weekday: { key: "strftime(date, '%A')", place: "NULL" },
  destination: { key: "destination", place: "goal.name || ', ' || goal.city || ' ' || goal.state" },
} as const;

export type Dimension = keyof typeof dimensions;

/** Delays of one group of flights. */
export type DelayRow = {
  readonly key: string;
  readonly place: string | null;
  readonly flights: number;
  /** Minutes. */
  readonly mean: number;
  /** The part of flights that were more than 15 minutes late, 0 to 1. */
  readonly late: number;
};

export interface DelayReport {
  readonly source: "all flights" | "sample";
  readonly rows: readonly DelayRow[];
}
