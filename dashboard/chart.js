// Charts of counts over time: stacked bars on one scale, with a legend, a summary in words and the numbers as a table.

import { h, number, shape, sum } from "./dom.js";
import { reasonTitle } from "./reasons.js";
import { address } from "./route.js";

/** A drawing of 100 units in height is stretched to the width that there is; texts stand beside it. */
const [STEP, BAR, HEIGHT] = [10, 8, 100];
/** What is there at all is seen. */
const LEAST = 2;
/** So many reasons have a colour of their own. */
const REASONS = 5;

const days = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const hours = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "UTC" });

/** The top of the scale: 2, 4, 6 or 10 times a power of ten, so that half of it is a whole number. */
export function scaleTop(most) {
  for (let power = 1; ; power *= 10) {
    const top = [2, 4, 6, 10].find((factor) => factor * power >= most);
    if (top) return top * power;
  }
}

/**
 * `series` are `[name, class, address]`, the last where it leads somewhere; `rows` `{name, values, marked}` with a value for each of them, the oldest first. `unit` names
 * what a row is.
 */
function bars({ title, unit, series, rows, note }) {
  const totals = series.map((_, at) => sum(rows.map((row) => row.values[at])));
  const top = scaleTop(Math.max(1, ...rows.map((row) => sum(row.values))));
  const told = (values) => series.map(([name], at) => values[at] > 0 && `${number(values[at])} ${name.toLowerCase()}`).filter(Boolean).join(", ") || "none";
  const drawn = rows.map((row, index) => {
    let y = HEIGHT;
    const parts = row.values.map((value, at) => {
      if (value === 0) return null;
      const height = Math.min(y, Math.max(LEAST, (value / top) * HEIGHT));
      y -= height;
      return shape("rect", { class: row.marked ? "burst" : series[at][1], x: index * STEP + 1, y, width: BAR, height });
    });
    const whole = shape("rect", { class: "hit", x: index * STEP, y: 0, width: STEP, height: HEIGHT });
    return shape("g", {}, shape("title", {}, `${row.name}: ${told(row.values)}`), whole, ...parts.filter(Boolean));
  });
  const grid = [0, HEIGHT / 2].map((y) => shape("line", { x1: 0, x2: rows.length * STEP, y1: y, y2: y }));
  const summary = `${title}: ${told(totals)}`;
  const ends = [rows[0], rows[Math.floor((rows.length - 1) / 2)], rows.at(-1)].filter(Boolean);
  return h("figure", { class: "chart" },
    h("figcaption", { class: "strong" }, title),
    h("div", { class: "plot" },
      h("div", { class: "scale", "aria-hidden": "true" }, [top, top / 2, 0].map((value) => h("span", {}, number(value)))),
      shape("svg", { role: "img", "aria-label": summary, viewBox: `0 0 ${rows.length * STEP} ${HEIGHT}`, preserveAspectRatio: "none" }, ...grid, ...drawn),
      h("div", { class: "dates", "aria-hidden": "true" }, ends.map((row) => h("span", {}, row.name)))),
    h("ul", { class: "legend" }, series.map(([name, kind, href], at) =>
      h("li", {}, h("span", { class: `swatch ${kind}`, "aria-hidden": "true" }), href ? h("a", { href }, name) : name, ": ", h("strong", {}, number(totals[at]))))),
    note,
    h("details", {}, h("summary", {}, "As a table"),
      h("div", { class: "numbers", tabindex: "0", role: "region", "aria-label": `${title}: numbers` }, h("table", { "aria-label": title },
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, unit), series.map(([name]) => h("th", { scope: "col" }, name)))),
        h("tbody", {}, rows.map((row) => h("tr", {},
          h("th", { scope: "row" }, row.name, row.marked ? " (burst)" : ""), row.values.map((value) => h("td", {}, number(value))))))))));
}

const refusedOn = (day) => sum(Object.values(day.refused));

/** The codes by how often they came, most first. */
export function reasonsOf(rows) {
  const counts = new Map();
  for (const { refused } of rows) for (const [code, count] of Object.entries(refused)) counts.set(code, (counts.get(code) ?? 0) + count);
  return [...counts].sort((a, b) => b[1] - a[1]);
}

/** A bar for each day, `{date, allowed, refused: {code: count}, origin_trouble}`: what was allowed, refused, and failed at the origin. */
export function dayChart(rows, { title = "Calls per day" } = {}) {
  return bars({
    title, unit: "Day (UTC)",
    series: [["Allowed", "c-allowed"], ["Refused", "c-refused"], ["Origin failed", "c-trouble"]],
    rows: rows.map((day) => ({ name: days.format(new Date(day.date)), values: [day.allowed, refusedOn(day), day.origin_trouble] })),
  });
}

/** The same days, but only what was refused, and why. */
export function reasonChart(rows, { title = "Refused calls per day, by reason" } = {}) {
  const codes = reasonsOf(rows).map(([code]) => code);
  const [named, others] = [codes.slice(0, REASONS), codes.slice(REASONS)];
  const series = named.map((code, at) => [reasonTitle(code), `c-${at}`, address("activity", null, { reason: code })]);
  if (others.length > 0) series.push(["Other reasons", "c-other"]);
  return bars({
    title, unit: "Day (UTC)", series,
    rows: rows.map(({ date, refused }) => ({
      name: days.format(new Date(date)),
      values: [...named.map((code) => refused[code] ?? 0), ...(others.length > 0 ? [sum(others.map((code) => refused[code] ?? 0))] : [])],
    })),
  });
}

/** A burst is an hour with at least 10 new tokens and more than four times the mean of the other hours. */
export function bursts(counts) {
  const all = sum(counts);
  return counts.map((count) => count >= 10 && count * (counts.length - 1) > 4 * (all - count));
}

/** A bar for each hour, `{hour, created}`, with bursts marked. */
export function hourChart(rows, { title = "Tokens created per hour" } = {}) {
  const marks = bursts(rows.map((row) => row.created));
  const name = (row) => hours.format(new Date(row.hour));
  const found = rows.filter((_, at) => marks[at]);
  return bars({
    title, unit: "Hour (UTC)", series: [["Created", "c-allowed"]],
    rows: rows.map((row, at) => ({ name: name(row), values: [row.created], marked: marks[at] })),
    note: h("p", { class: found.length > 0 ? "warning" : "hint" }, found.length > 0
      ? `${found.length === 1 ? "Burst" : "Bursts"}: ${found.map((row) => `${number(row.created)} at ${name(row)}`).join("; ")}.`
      : "No bursts: no hour had 10 new tokens and more than four times the mean of the others."),
  });
}
