/**
 * Text in terminal columns: names and reasons come from agents and files, so they may be wide, long, or hostile.
 *
 * Laws: what `singleLine` returns has no control characters and no escape sequences, and cannot reverse the direction
 * of the line; `fit` returns exactly the width asked for; nothing is cut inside a grapheme.
 */
import { createRequire } from "node:module"
import { stripVTControlCharacters } from "node:util"
import type stringWidthOf from "string-width"

// The bundle of the command has it inside, and drops this line.
const require = createRequire(import.meta.url)

// Both are made for the first text that needs them: each takes longer than all that a command does which prints plain words.
let stringWidth: typeof stringWidthOf | undefined
let segmenter: Intl.Segmenter | undefined

/** Columns that a text takes. */
export const widthOf = (text: string): number => {
  if (printable.test(text)) return text.length
  stringWidth ??= (require("string-width") as { readonly default: typeof stringWidthOf }).default
  return stringWidth(text)
}

const graphemesOf = (text: string) => (segmenter ??= new Intl.Segmenter()).segment(text)
const harmful = /[\s\p{Cc}\p{Zl}\p{Zp}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]+/gu
const printable = /^[\x20-\x7e]*$/
/** The most text that is looked at: no line is as long. */
const LONGEST = 2_000

/** Any text as one harmless line. */
export const singleLine = (text: string): string =>
  printable.test(text) && text.length <= LONGEST
    ? text
    : stripVTControlCharacters(text.slice(0, LONGEST)).toWellFormed().replace(harmful, " ").trim()

/** A line cut to at most `columns`, with … where something is missing. */
export const clip = (line: string, columns: number): string => {
  if (columns <= 0) return ""
  if (widthOf(line) <= columns) return line
  let kept = ""
  let width = 0
  for (const { segment } of graphemesOf(line)) {
    const next = width + widthOf(segment)
    if (next > columns - 1) break
    kept += segment
    width = next
  }
  return `${kept}…`
}

/** The same with … in its middle: names often differ at their ends. */
export const clipMiddle = (line: string, columns: number): string => {
  if (widthOf(line) <= columns) return line
  const start = clip(line, Math.ceil((columns + 1) / 2))
  let left = columns - widthOf(start)
  let end = ""
  for (const { segment } of Array.from(graphemesOf(line)).toReversed()) {
    left -= widthOf(segment)
    if (left < 0) break
    end = segment + end
  }
  // Pieces that join into another grapheme may be wider than they were.
  return clip(start + end, columns)
}

/** A line cut or padded to exactly `columns`, at the left edge unless told. */
export const fit = (line: string, columns: number, edge: "left" | "right" = "left"): string => {
  const text = clip(line, columns)
  const padding = " ".repeat(Math.max(0, columns - widthOf(text)))
  return edge === "left" ? text + padding : padding + text
}
