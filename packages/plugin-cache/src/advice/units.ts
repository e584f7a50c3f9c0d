const times = [
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
  ["ms", 1],
] as const;

const sizes = [
  ["GB", 1024 ** 3],
  ["MB", 1024 ** 2],
  ["KB", 1024],
  ["bytes", 1],
] as const;

/** `2.5 min`, `12.3 s`, `0.08 ms`. */
export function formatTime(ms: number): string {
  return format(ms, times);
}

/** `64 MB`, `1.2 KB`. */
export function formatBytes(bytes: number): string {
  return format(bytes, sizes);
}

/** A number that was estimated within some percent: `3`, `300`, `12000`. */
export function formatEstimate(count: number): string {
  return String(Number(count.toPrecision(2)));
}

/** 0 to 1 as `12 %`. */
export function formatShare(share: number): string {
  return `${Number((share * 100).toPrecision(2))} %`;
}

const settingUnits = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

/** As a configuration takes it: `20m`, `90s`, `1500`. */
export function durationSetting(ms: number): string | number {
  const [unit, size] = settingUnits.find(([, whole]) => ms >= whole && ms % whole === 0) ?? [undefined, 1];
  return unit === undefined ? Math.round(ms) : `${ms / size}${unit}`;
}

/** As a configuration takes it: `128MB`, `1536`. */
export function sizeSetting(bytes: number): string | number {
  const [unit, size] = sizes.find(([, whole]) => whole > 1 && bytes >= whole && bytes % whole === 0) ?? [
    undefined,
    1,
  ];
  return unit === undefined ? Math.ceil(bytes) : `${bytes / size}${unit}`;
}

function format(value: number, units: readonly (readonly [unit: string, size: number])[]): string {
  // Half a unit in the third digit below: 999.96 ms is 1 s.
  const [unit, size] = units.find(([, whole]) => value >= whole * 0.9995) ?? units.at(-1)!;
  return `${Number((value / size).toPrecision(3))} ${unit}`;
}
