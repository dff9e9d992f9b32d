/**
 * The part of the terminal that is drawn again and again: the last lines of stderr.
 *
 * While a region is open the cursor is hidden; it comes back when the scope closes, for whatever reason, and also when
 * the process exits without closing it. The last frame stays on the screen.
 *
 * Nothing flickers: only lines that have changed are written, each over the one before, and terminals that can are told to
 * show all of a frame at once. Packages that redraw (log-update 8, tried) erase what they write anew, which is to be seen in
 * terminals that cannot.
 *
 * Gotchas
 * - A pseudo-terminal may say that it has 0 columns, and nothing could be drawn: such sizes count as 80 × 24.
 * - When a terminal gets narrower it wraps the old frame by itself, so there is more to erase than was written: at every
 *   change of size all of it is erased.
 * - A shell that stops the process (Ctrl-Z) gets the cursor back, and writes below the frame: when the process goes on it
 *   begins a frame of its own there.
 * - What others write to the terminal while the region is open tears it. Logs belong elsewhere then.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { widthOf } from "./TextWidth.ts"

export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

export interface Region {
  readonly size: Effect.Effect<TerminalSize>
  /** Shows a frame of at most `rows` − 1 lines in the place of the one before. */
  readonly draw: (frame: string) => Effect.Effect<void>
}

/** What a region needs of `process.stderr`. */
export interface TerminalStream {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  readonly rows?: number | undefined
  readonly write: (text: string) => unknown
}

/** What a region needs of `process`: to be told that it is stopped by a shell and goes on, and to stop. */
export interface TerminalProcess {
  readonly pid: number
  readonly on: (event: string, listener: () => void) => unknown
  readonly off: (event: string, listener: () => void) => unknown
  readonly kill: (pid: number, signal: "SIGSTOP") => unknown
}

/** What a test sees of its region. */
export interface RegionRecord {
  readonly frames: Array<string>
  size: TerminalSize
  opened: number
  closed: number
}

export class LiveRegion extends Context.Service<LiveRegion, {
  /** Takes the lines below the cursor until the scope closes. */
  readonly open: Effect.Effect<Region, never, Scope.Scope>
}>()("a2a-campaign/LiveRegion") {
  /** On stderr. */
  static readonly layer: Layer.Layer<LiveRegion> = Layer.sync(LiveRegion, () => LiveRegion.on(process.stderr))

  /** Keeps its frames in `record` and draws nothing. */
  static readonly layerTest = (record: RegionRecord): Layer.Layer<LiveRegion> =>
    Layer.succeed(LiveRegion, {
      open: Effect.acquireRelease(
        Effect.sync(() => {
          record.opened++
          return {
            size: Effect.sync(() => record.size),
            draw: (frame: string) => Effect.sync(() => void record.frames.push(frame))
          }
        }),
        () => Effect.sync(() => void record.closed++)
      )
    })

  /** On any stream that is like `process.stderr`. */
  static readonly on = (stream: TerminalStream, host: TerminalProcess = process): LiveRegion["Service"] => ({
    open: Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => {
          const { forget, region } = drawOn(stream)
          return { region, show: hideCursor(stream, { host, onContinue: forget }) }
        }),
        ({ show }) => Effect.sync(show)
      ),
      ({ region }) => region
    )
  })
}

/** The size of a terminal, also of one that says it has none. */
export const sizeOf = ({ columns, rows }: TerminalStream): TerminalSize => ({
  columns: columns || 80,
  rows: rows || 24
})

export interface CursorOptions {
  readonly host?: TerminalProcess
  /** Called when the process goes on after a shell has stopped it. */
  readonly onContinue?: () => void
}

/** Hides the cursor, but while the process is stopped, and returns what shows it again. */
export const hideCursor = (
  stream: TerminalStream,
  { host = process, onContinue = () => {} }: CursorOptions = {}
): () => void => {
  if (stream.isTTY !== true) return () => {}
  const show = () => void stream.write("\u001b[?25h")
  const hide = () => void stream.write("\u001b[?25l")
  // Who listens to the one that a shell sends is not stopped by it.
  const stop = () => {
    show()
    host.kill(host.pid, "SIGSTOP")
  }
  const goOn = () => {
    hide()
    onContinue()
  }
  const listeners = { exit: show, SIGTSTP: stop, SIGCONT: goOn }
  hide()
  for (const [event, listener] of Object.entries(listeners)) host.on(event, listener)
  return () => {
    for (const [event, listener] of Object.entries(listeners)) host.off(event, listener)
    show()
  }
}

/** What a terminal that can is to show at once; others know nothing of it and do nothing. */
const BEGIN_FRAME = "\u001b[?2026h"
const END_FRAME = "\u001b[?2026l"

const drawOn = (stream: TerminalStream): { readonly region: Region; readonly forget: () => void } => {
  let size = sizeOf(stream)
  /** The lines of the frame that is shown; the cursor stands at the beginning of the line below them. */
  let shown: ReadonlyArray<string> = []

  const erase = () => {
    if (shown.length === 0) return
    const height = shown.reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / size.columns)), 0)
    stream.write(`\r\u001b[${height}A\u001b[J`)
    shown = []
  }

  const draw = (frame: string) => {
    const next = sizeOf(stream)
    if (next.columns !== size.columns || next.rows !== size.rows) {
      size = next
      erase()
    }
    const lines = frame.split("\n")
    const text = changesFrom(shown, lines, size.columns)
    if (text === "") return
    shown = lines
    stream.write(stream.isTTY === true ? `${BEGIN_FRAME}${text}${END_FRAME}` : text)
  }

  return {
    region: { size: Effect.sync(() => sizeOf(stream)), draw: (frame) => Effect.sync(() => draw(frame)) },
    forget: () => {
      shown = []
    }
  }
}

/**
 * What to write so that lines become other ones. A line that stays is not touched, and one that changes is written over:
 * nothing is erased before something else stands in its place.
 */
const changesFrom = (shown: ReadonlyArray<string>, lines: ReadonlyArray<string>, columns: number): string => {
  const first = lines.findIndex((line, index) => line !== shown[index])
  if (first < 0 && lines.length === shown.length) return ""
  const from = first < 0 ? lines.length : first
  const up = shown.length - from
  let text = up > 0 ? `\r\u001b[${up}A` : ""
  let row = from
  for (let index = from; index < lines.length; index++) {
    const line = lines[index]!
    if (line === shown[index]) continue
    // Beyond the lines that were there only a line break makes room; among them the cursor may jump.
    if (index > row) text += `\u001b[${index - row}B`
    // A line that fills its row leaves the cursor on its last column, where erasing would take that.
    text += `${line}${widthOf(line) < columns ? "\u001b[K" : ""}\r\n`
    row = index + 1
  }
  if (row < lines.length) text += `\u001b[${lines.length - row}B`
  return lines.length < shown.length ? `${text}\u001b[J` : text
}
