/**
 * A line made of pieces with a style each, so that widths are reckoned on text and colours are added last.
 *
 * Colours are the terminal's own sixteen, which follow its theme; without colour no escape sequence is written.
 */
import { clip, widthOf } from "./TextWidth.ts"

export type Style = "plain" | "dim" | "bold" | "amber" | "green" | "red"

export interface Piece {
  readonly text: string
  readonly style: Style
}

export const piece = (text: string, style: Style = "plain"): Piece => ({ text, style })

const codes: Record<Style, readonly [on: string, off: string]> = {
  plain: ["", ""],
  dim: ["\u001b[2m", "\u001b[22m"],
  bold: ["\u001b[1m", "\u001b[22m"],
  amber: ["\u001b[33m", "\u001b[39m"],
  green: ["\u001b[32m", "\u001b[39m"],
  red: ["\u001b[31m", "\u001b[39m"]
}

/** Text in a style, with its escape sequences; white space alone has none. */
export const styled = (text: string, style: Style): string =>
  text.trim() === "" ? text : `${codes[style][0]}${text}${codes[style][1]}`

/** The pieces as one line of at most `columns`, without white space at its end. */
export const toLine = (pieces: ReadonlyArray<Piece>, columns: number, color: boolean): string => {
  const plain = pieces.map(({ text }) => text).join("").trimEnd()
  // Pieces may join into wider graphemes than they are alone, so what counts is the width of the whole.
  if (widthOf(plain) > columns) return clip(plain, columns).trimEnd()
  if (!color) return plain
  let line = ""
  let left = plain.length
  for (const { style, text } of pieces) {
    const kept = text.slice(0, left)
    left -= kept.length
    line += styled(kept, style)
  }
  return line
}
