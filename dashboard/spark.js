// Uses of the last days as a line of bars. Says the same in words to those who do not see it.

import { number, shape, sum } from "./dom.js";

const [WIDTH, GAP, HEIGHT] = [3, 1, 16];
/** How many days the list asks for. */
export const DAYS = 14;

/** `Uses of the last 14 days, in UTC: 3 today, 40 in all, most on 21 Nov (25)`. */
export function spoken(uses, now = Date.now()) {
  const all = sum(uses);
  const of = `Uses of the last ${uses.length} days, in UTC`;
  if (all === 0) return `${of}: none`;
  const most = Math.max(...uses);
  const day = new Date(now - (uses.length - 1 - uses.lastIndexOf(most)) * 86_400_000);
  const named = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" }).format(day);
  return `${of}: ${number(uses.at(-1))} today, ${number(all)} in all, most on ${named} (${number(most)})`;
}

/** A bar for each day, the last is today's; a day without use is a dot on the ground line. `most` is a day of full height. */
export function spark(uses, most) {
  const words = spoken(uses);
  const width = uses.length * (WIDTH + GAP) - GAP;
  const bars = uses.map((count, at) => {
    const height = count === 0 ? 1 : Math.max(2, Math.round((count / most) * HEIGHT));
    return shape("rect", { class: count === 0 ? "none" : "some", x: at * (WIDTH + GAP), y: HEIGHT - height, width: WIDTH, height });
  });
  return shape("svg", { class: "spark", role: "img", "aria-label": words, viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT }, shape("title", {}, words), ...bars);
}
