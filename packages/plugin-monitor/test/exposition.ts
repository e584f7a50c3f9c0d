/**
 * A strict reader of the Prometheus text format, version 0.0.4, written from its specification
 * (prometheus.io/docs/instrumenting/exposition_formats). It refuses whatever the specification
 * does not allow, where a scraper might guess.
 */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string | undefined;
  readonly samples: readonly Sample[];
}

interface OpenFamily {
  name: string;
  type?: string;
  help?: string;
  samples: Sample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*/;
const VALUE = /^(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|NaN|\+Inf|-Inf)$/;
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  histogram: ["_bucket", "_sum", "_count"],
  summary: ["", "_sum", "_count"],
};

export function parseExposition(text: string): Map<string, Family> {
  const families = new Map<string, OpenFamily>();
  const seen = new Set<string>();
  let current: OpenFamily | undefined;

  const enter = (name: string): OpenFamily => {
    if (current?.name === name) return current;
    if (families.has(name)) throw new Error(`the lines of ${name} do not stand together`);
    current = { name, samples: [] };
    families.set(name, current);
    return current;
  };

  if (text !== "" && !text.endsWith("\n")) throw new Error("the last line does not end with a line feed");
  for (const line of text.split("\n")) {
    if (line === "") continue;
    if (line.startsWith("#")) {
      const comment = /^# (HELP|TYPE) (\S+)(?: (.*))?$/s.exec(line);
      if (!comment) {
        if (/^#\s*(HELP|TYPE)\b/.test(line)) throw new Error(`malformed comment: ${line}`);
        continue;
      }
      const [, kind, name = "", rest = ""] = comment;
      if (NAME.exec(name)?.[0] !== name) throw new Error(`malformed name: ${name}`);
      const family = enter(name);
      if (kind === "HELP") {
        if (family.help !== undefined) throw new Error(`a second HELP of ${name}`);
        family.help = unescape(rest, /\\(.?)/gs, { "\\": "\\", n: "\n" });
      } else {
        if (family.type !== undefined) throw new Error(`a second TYPE of ${name}`);
        if (family.samples.length > 0) throw new Error(`TYPE of ${name} stands behind its samples`);
        if (!["counter", "gauge", "histogram", "summary", "untyped"].includes(rest))
          throw new Error(`unknown type: ${rest}`);
        family.type = rest;
      }
      continue;
    }
    const sample = parseSample(line);
    const key = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).toSorted())}`;
    if (seen.has(key)) throw new Error(`a second sample of ${key}`);
    seen.add(key);
    const belongs =
      current?.type !== undefined &&
      SUFFIXES[current.type]?.some((suffix) => sample.name === `${current!.name}${suffix}`);
    (belongs ? current! : enter(sample.name)).samples.push(sample);
  }
  const result = new Map<string, Family>();
  for (const [name, family] of families) {
    const { type = "untyped", help, samples } = family;
    if (type === "histogram") checkHistogram(name, samples);
    if (type === "counter") {
      if (!name.endsWith("_total")) throw new Error(`the counter ${name} is not named _total`);
      for (const { value } of samples) if (!(value >= 0)) throw new Error(`the counter ${name} is ${value}`);
    }
    result.set(name, { name, type, help, samples });
  }
  return result;
}

function parseSample(line: string): Sample {
  const name = NAME.exec(line)?.[0];
  if (!name) throw new Error(`malformed name: ${line}`);
  let rest = line.slice(name.length);
  const labels: Record<string, string> = {};
  if (rest.startsWith("{")) {
    rest = rest.slice(1);
    while (!rest.startsWith("}")) {
      const label = LABEL.exec(rest)?.[0];
      if (!label) throw new Error(`malformed label: ${line}`);
      const value = /^="((?:[^"\\]|\\.)*)"/s.exec(rest.slice(label.length));
      if (!value) throw new Error(`malformed label value: ${line}`);
      if (Object.hasOwn(labels, label)) throw new Error(`a second label ${label}: ${line}`);
      labels[label] = unescape(value[1]!, /\\(.?)/gs, { "\\": "\\", n: "\n", '"': '"' });
      rest = rest.slice(label.length + value[0].length);
      if (rest.startsWith(",")) rest = rest.slice(1);
      else if (!rest.startsWith("}")) throw new Error(`malformed labels: ${line}`);
    }
    rest = rest.slice(1);
  }
  const value = /^ (\S+)(?: (-?\d+))?$/.exec(rest)?.[1];
  if (value === undefined || !VALUE.test(value)) throw new Error(`malformed value: ${line}`);
  return { name, labels, value: toNumber(value) };
}

function toNumber(text: string): number {
  return text.endsWith("Inf") ? (text.startsWith("-") ? -Infinity : Infinity) : Number(text);
}

function unescape(text: string, escapes: RegExp, known: Readonly<Record<string, string>>): string {
  return text.replaceAll(escapes, (escape, character: string) => {
    const meant = known[character];
    if (meant === undefined) throw new Error(`unknown escape: ${escape}`);
    return meant;
  });
}

function checkHistogram(name: string, samples: readonly Sample[]): void {
  const series = new Map<
    string,
    { buckets: Array<[le: number, count: number]>; sum?: number; count?: number }
  >();
  for (const { name: sample, labels, value } of samples) {
    const { le, ...others } = labels;
    const key = JSON.stringify(Object.entries(others).toSorted());
    const one = series.get(key) ?? { buckets: [] };
    series.set(key, one);
    if (sample === `${name}_bucket`) {
      if (le === undefined || !VALUE.test(le)) throw new Error(`a bucket of ${name} has no valid le`);
      one.buckets.push([toNumber(le), value]);
    } else if (le !== undefined) throw new Error(`${sample} has an le`);
    else if (sample === `${name}_sum`) one.sum = value;
    else one.count = value;
  }
  for (const { buckets, sum, count } of series.values()) {
    if (sum === undefined || count === undefined) throw new Error(`${name} lacks its sum or count`);
    const last = buckets.at(-1);
    if (last?.[0] !== Infinity) throw new Error(`${name} does not end with the bucket +Inf`);
    if (last[1] !== count) throw new Error(`${name} counts ${count}, but its bucket +Inf ${last[1]}`);
    for (const [index, [le, value]] of buckets.entries()) {
      const before = buckets[index - 1];
      if (before && (le <= before[0] || value < before[1]))
        throw new Error(`the buckets of ${name} do not grow`);
    }
  }
}
