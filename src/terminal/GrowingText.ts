/**
 * A terminal on which text grows, piece by piece as it comes, with one line below it that is drawn again and again.
 *
 * The text is written once and stays: the terminal wraps it as it would wrap any other, so it can be copied. Only its last
 * row is written again when it goes on, which is what brings the cursor back there. Each change is one write, and nothing
 * is erased before it is overwritten, so nothing flickers. The cursor is hidden, and stands at the beginning of the line
 * below, so that neither what the terminal echoes there (^C) nor another width moves it to another row. When the scope
 * closes it is shown, and the line below is gone.
 *
 * Gotchas
 * - A terminal that gets another width wraps what stands on it anew, so nobody knows where the last row begins: the text
 *   goes on in a row of its own then.
 * - After a row that is full the cursor stands on its last column, so what is to the right of it must not be erased.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { stripVTControlCharacters } from "node:util"
import { hideCursor, sizeOf, type TerminalStream } from "./LiveRegion.ts"
import { type Style, styled } from "./StyledLine.ts"
import { harmless, lastRow } from "./TextRows.ts"
import { widthOf } from "./TextWidth.ts"

export interface GrowingText {
  readonly columns: Effect.Effect<number>
  /** Goes on with the text. */
  readonly text: (text: string, style?: Style) => Effect.Effect<void>
  /** A line of its own between what was and what will be. */
  readonly line: (line: string) => Effect.Effect<void>
  /** Shows a line of less than `columns` below the text, in the place of the one before. */
  readonly status: (line: string) => Effect.Effect<void>
}

/** Takes the terminal below the cursor until the scope closes. */
export const open = (stream: TerminalStream): Effect.Effect<GrowingText, never, Scope.Scope> =>
  Effect.gen(function*() {
    yield* Effect.acquireRelease(Effect.sync(() => hideCursor(stream)), (show) => Effect.sync(show))
    const region = make(stream)
    yield* Effect.addFinalizer(() => Effect.sync(region.close))
    return region
  })

const make = (stream: TerminalStream) => {
  let { columns } = sizeOf(stream)
  /** The last row of the text as it stands on the terminal. */
  let row = ""
  let rowStyle: Style = "plain"
  /** The line below; empty where there is none. */
  let below = ""

  /** To the beginning of the last row, and what must be known before that. */
  const back = (): string => {
    const size = sizeOf(stream)
    if (size.columns !== columns) {
      columns = size.columns
      const isUnfinished = row !== "" && below === ""
      row = ""
      return isUnfinished ? "\r\n" : "\r\u001b[J"
    }
    return below === "" || row === "" ? "\r" : "\r\u001b[1A"
  }

  /** Erases what was to the right of a line; nothing is where its last row is full. */
  const restOf = (line: string): string => widthOf(lastRow(line, columns)) < columns ? "\u001b[K" : ""

  /** The text from the beginning of its last row, and the line below it. */
  const forth = (text: string, style: Style): string => {
    row = lastRow(text, columns)
    rowStyle = style
    const shown = text.split("\n").map((line) => `${styled(line, style)}${restOf(line)}`).join("\r\n")
    return `${shown}${belowIt()}`
  }

  const belowIt = (): string => below === "" ? "" : `${row === "" ? "" : "\r\n"}${below}\u001b[K\r`

  const write = (text: string) => void stream.write(text)

  const text = (raw: string, style: Style = "plain") => {
    const added = harmless(raw)
    if (added === "") return
    const before = back()
    // A row has one style, so another one begins in a row of its own.
    if (row !== "" && style !== rowStyle) write(before + forth(`${row}\n`, rowStyle) + back() + forth(added, style))
    else write(before + forth(row + added, style))
  }

  const line = (content: string) => {
    const before = back()
    const last = row
    const style = rowStyle
    row = ""
    const kept = last === "" ? "" : `${styled(last, style)}${restOf(last)}\r\n`
    const own = content.split("\n").map((line) => `${line}${restOf(stripVTControlCharacters(line))}`).join("\r\n")
    write(`${before}${kept}${own}\r\n${below === "" ? "\u001b[K" : ""}${belowIt()}`)
  }

  const status = (next: string) => {
    const isResized = sizeOf(stream).columns !== columns
    if (next === below && !isResized) return
    if (below !== "" && !isResized && next !== "") {
      below = next
      return write(`\r${next}\u001b[K\r`)
    }
    const before = back()
    const kept = row
    below = next
    write(before + (next === "" ? "\u001b[J" : "") + forth(kept, rowStyle))
  }

  const close = () => {
    status("")
    if (row !== "") write("\r\n")
    row = ""
  }

  return {
    columns: Effect.sync(() => sizeOf(stream).columns),
    text: (content: string, style?: Style) => Effect.sync(() => text(content, style)),
    line: (content: string) => Effect.sync(() => line(content)),
    status: (next: string) => Effect.sync(() => status(next)),
    close
  }
}
