/**
 * The part of the terminal that is drawn again and again: the last lines of stderr, through `log-update`.
 *
 * While a region is open the cursor is hidden; it comes back when the scope closes, for whatever reason, and also when
 * the process exits without closing it. The last frame stays on the screen.
 *
 * Gotchas
 * - A pseudo-terminal may say that it has 0 columns, and `log-update` would draw nothing: such sizes count as 80 × 24.
 * - When a terminal gets narrower it wraps the old frame by itself, so there is more to erase than was written.
 *   `log-update` does not know of that; we erase at every change of size and let it begin anew.
 * - What others write to the terminal while the region is open tears it. Logs belong elsewhere then.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { createLogUpdate } from "log-update"
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
  static readonly on = (stream: TerminalStream): LiveRegion["Service"] => ({
    open: Effect.map(
      Effect.acquireRelease(Effect.sync(() => hideCursor(stream)), (show) => Effect.sync(show)),
      () => drawOn(stream)
    )
  })
}

/** The size of a terminal, also of one that says it has none. */
export const sizeOf = ({ columns, rows }: TerminalStream): TerminalSize => ({
  columns: columns || 80,
  rows: rows || 24
})

/** Hides the cursor and returns what shows it again. */
export const hideCursor = (stream: TerminalStream): () => void => {
  if (stream.isTTY !== true) return () => {}
  const show = () => void stream.write("\u001b[?25h")
  stream.write("\u001b[?25l")
  process.once("exit", show)
  return () => {
    process.off("exit", show)
    show()
  }
}

const drawOn = (stream: TerminalStream): Region => {
  let size = sizeOf(stream)
  let shown = ""
  // All that log-update uses of a stream. The cursor is ours, because log-update's is always that of the process.
  const clamped = {
    get columns() {
      return size.columns
    },
    get rows() {
      return size.rows
    },
    isTTY: stream.isTTY === true,
    write: (text: string) => stream.write(text)
  } as unknown as NodeJS.WritableStream
  const update = createLogUpdate(clamped, { showCursor: true })

  const erase = () => {
    if (shown === "") return
    const height = shown.split("\n")
      .reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / size.columns)), 0)
    stream.write(`\r\u001b[${height}A\u001b[J`)
    shown = ""
    update.done()
  }

  const draw = (frame: string) => {
    const next = sizeOf(stream)
    if (next.columns !== size.columns || next.rows !== size.rows) {
      size = next
      erase()
    }
    if (frame === shown) return
    shown = frame
    update(frame)
  }

  return { size: Effect.sync(() => sizeOf(stream)), draw: (frame) => Effect.sync(() => draw(frame)) }
}
