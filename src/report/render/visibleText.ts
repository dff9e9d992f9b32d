/**
 * Text that others have written, made fit to be shown on one line: what would be invisible or would turn the text around
 * it is shown as a mark.
 *
 * Gotcha: this is no escaping; each rendering escapes what it is given on top of it.
 */

/** Controls, marks of direction and invisible characters; joiners stay, because scripts and emoji need them. */
const invisible =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\uffff]/gu

/** Marks on one letter beyond what any script writes: they would cover the lines around. */
const heaped = /(\p{M}{4})\p{M}+/gu

/** One line without anything invisible; white space is one space, and what cannot be shown is `\ufffd`. */
export const visible = (text: string): string =>
  text.toWellFormed().replace(/\s+/gu, " ").replace(invisible, "\ufffd").replace(heaped, "$1")

const segments = new Intl.Segmenter("en", { granularity: "grapheme" })

/** At most `most` characters as people count them, with … in the middle, where names differ least. */
export const clipMiddle = (text: string, most: number): string => {
  // A text of a megabyte is not cut into its characters.
  const bounded = text.length > 40 * most ? text.slice(0, 20 * most) + text.slice(-20 * most) : text
  const all = Array.from(segments.segment(bounded), ({ segment }) => segment)
  if (all.length <= most) return bounded
  const head = Math.ceil((most - 1) / 2)
  return [...all.slice(0, head), "…", ...all.slice(all.length - (most - 1 - head))].join("")
}
