/**
 * Text as a terminal shows it: made harmless, and broken into rows.
 *
 * An agent's answer is written to a terminal as it comes, with a line below it that is drawn again and again. To go on
 * with the answer one has to know what stands in its last row: that is `lastRow`.
 *
 * Laws: `harmless` leaves no control character but the line break, so an answer can neither move the cursor nor change
 * what was written; `lastRow` is never wider than `columns`, and splitting a text anywhere between two graphemes gives the
 * same last row: `lastRow(lastRow(a) + b) = lastRow(a + b)`.
 */
import { stripVTControlCharacters } from "node:util"
import { widthOf } from "./TextWidth.ts"

const segmenter = new Intl.Segmenter()
const controls = /[^\P{Cc}\n]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu
const printable = /^[\x20-\x7e]*$/

/** The text without whatever a terminal would obey. */
export const harmless = (text: string): string =>
  printable.test(text)
    ? text
    : stripVTControlCharacters(text).toWellFormed().replaceAll("\t", "    ").replaceAll(controls, "")

/** What stands in the last row of a text that begins at the left edge. */
export const lastRow = (text: string, columns: number): string => {
  const line = text.slice(text.lastIndexOf("\n") + 1)
  if (printable.test(line)) return line.slice(Math.floor(Math.max(0, line.length - 1) / columns) * columns)
  let row = ""
  let width = 0
  for (const { segment } of segmenter.segment(line)) {
    const next = widthOf(segment)
    if (width + next > columns) {
      row = ""
      width = 0
    }
    row += segment
    width += next
  }
  return row
}
