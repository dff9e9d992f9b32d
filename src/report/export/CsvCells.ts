/**
 * Cells of CSV (RFC 4180) that no spreadsheet runs.
 *
 * What agents and their servers say is in an export, and whoever opens it in a spreadsheet would run a text that begins
 * with `=`, `+`, `-`, `@` (also in their full-width forms), a tab or a line break as a formula. Such a text gets an
 * apostrophe in front, and so does one that begins with an apostrophe: whoever reads a text column takes one leading
 * apostrophe away and has what was there. Numbers, times and JSON are never touched.
 *
 * Control characters that CSV and most of its readers refuse become U+FFFD, as do halves of surrogate pairs. Nothing is
 * lost in JSON and JSONL.
 */

const dangerous = /^[=+\-@\t\r\n'＝＋－＠]/u
const refused = /(?![\t\n\r\u0080-\u009f])\p{Cc}/gu

/** The text of a cell, unquoted; "" for null and undefined. */
export const cellOf = (value: unknown): string => {
  switch (typeof value) {
    case "string": {
      const text = value.toWellFormed().replaceAll(refused, "\ufffd")
      return dangerous.test(text) ? `'${text}` : text
    }
    case "number":
    case "boolean":
      return String(value)
    default:
      return value === null || value === undefined ? "" : JSON.stringify(value)
  }
}
