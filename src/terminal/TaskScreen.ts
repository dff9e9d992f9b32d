/**
 * Where a watched task is shown: its answer on stdout, whatever is said about it on stderr.
 *
 * - Both are the same terminal, and it can redraw: the answer grows on it, with the line about it below.
 * - stderr alone is such a terminal, and the answer goes elsewhere: stderr has the line.
 * - Else stderr has lines only.
 *
 * Laws: what goes to a stdout that is no terminal is the answer, byte for byte, and waits until it is taken, so a reader
 * that pauses is waited for. A terminal gets it without whatever it would obey (TextRows.ts). A line about the task never
 * begins in the middle of a line of the answer where both go to a terminal.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as GrowingText from "./GrowingText.ts"
import type { TerminalStream } from "./LiveRegion.ts"
import { type Style, styled } from "./StyledLine.ts"
import type { Mode } from "./TerminalView.ts"
import { harmless } from "./TextRows.ts"

/** What a screen needs of `process.stdout`. */
export interface OutputStream extends TerminalStream {
  readonly on: (event: "drain" | "error", listener: () => void) => unknown
  readonly off: (event: "drain" | "error", listener: () => void) => unknown
}

export interface Streams {
  readonly stdout: OutputStream
  readonly stderr: TerminalStream
  /** Whether both are the same terminal. */
  readonly isShared: boolean
}

/** Nobody takes the answer any more. */
export class OutputClosed extends Data.TaggedError("OutputClosed")<{ readonly message: string }> {}

export interface TaskScreen {
  /** Whether the line about the task is drawn again and again. */
  readonly isLive: boolean
  readonly color: boolean
  readonly columns: Effect.Effect<number>
  readonly answer: (text: string) => Effect.Effect<void, OutputClosed>
  /** Text beside the answer, such as what the agent thinks. */
  readonly aside: (text: string) => Effect.Effect<void>
  /** A line about the task. */
  readonly line: (line: string) => Effect.Effect<void>
  readonly status: (line: string) => Effect.Effect<void>
}

/** The screen until the scope closes; what is on it then ends with a line break. */
export const open = (
  streams: Streams,
  { color, mode }: { readonly color: boolean; readonly mode: Mode }
): Effect.Effect<TaskScreen, never, Scope.Scope> => mode === "full" ? live(streams, color) : lines(streams, mode, color)

const live = Effect.fnUntraced(function*({ isShared, stderr, stdout }: Streams, color: boolean) {
  const region = yield* GrowingText.open(stderr)
  const write = takenBy(stdout)
  const dim: Style = color ? "dim" : "plain"
  const screen: TaskScreen = {
    isLive: true,
    color,
    columns: region.columns,
    answer: isShared ? region.text : (text) => write(stdout.isTTY === true ? harmless(text) : text),
    aside: (text) => region.text(text, dim),
    line: region.line,
    status: region.status
  }
  return screen
})

const lines = Effect.fnUntraced(function*({ stderr, stdout }: Streams, mode: Mode, color: boolean) {
  const isTerminal = stdout.isTTY === true
  const write = takenBy(stdout)
  /** Whether a line of the answer, or of what stands beside it, is unfinished. */
  let isAnswering = false
  let isAside = false
  const finishLine = () => {
    if (isAside || (isAnswering && isTerminal && stderr.isTTY === true)) stderr.write("\n")
    isAside = false
    isAnswering = false
  }
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      if (isAnswering && isTerminal) stdout.write("\n")
      if (isAside) stderr.write("\n")
    })
  )
  const screen: TaskScreen = {
    isLive: false,
    color,
    columns: Effect.succeed(Infinity),
    answer: (text) =>
      Effect.suspend(() => {
        if (text !== "") isAnswering = !text.endsWith("\n")
        return write(isTerminal ? harmless(text) : text)
      }),
    aside: (text) =>
      Effect.sync(() => {
        const shown = stderr.isTTY === true ? harmless(text) : text
        if (mode === "none" || shown === "") return
        stderr.write(color ? styled(shown, "dim") : shown)
        isAside = !shown.endsWith("\n")
      }),
    line: (line) =>
      Effect.sync(() => {
        if (mode === "none") return
        finishLine()
        stderr.write(`${line}\n`)
      }),
    status: () => Effect.void
  }
  return screen
})

/** Writes, and completes when the stream has room for more. */
const takenBy = (stream: OutputStream) => {
  let isClosed = false
  const closed = new OutputClosed({ message: "nobody reads the answer any more" })
  // For good: what was written may fail after everything has ended, and would end the process with a stack.
  stream.on("error", () => {
    isClosed = true
  })
  return (text: string): Effect.Effect<void, OutputClosed> =>
    Effect.callback<void, OutputClosed>((resume) => {
      const settle = () => {
        forget()
        resume(isClosed ? Effect.fail(closed) : Effect.void)
      }
      const forget = () => {
        stream.off("drain", settle)
        stream.off("error", settle)
      }
      if (isClosed || text === "" || stream.write(text) !== false) return settle()
      stream.on("drain", settle)
      stream.on("error", settle)
      return Effect.sync(forget)
    })
}
