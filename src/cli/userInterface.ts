/** How this process shows progress: what was asked, and what stderr and stdout are. */
import * as Result from "effect/Result"
import { fstatSync } from "node:fs"
import type { Streams } from "../terminal/TaskScreen.ts"
import type { Mode, Surroundings } from "../terminal/TerminalView.ts"
import { chooseColor, chooseMode } from "../terminal/TerminalView.ts"

export interface UserInterface {
  readonly mode: Mode
  readonly color: boolean
}

/** The interface for what `--ui` asks. */
export const userInterface = (ui: "auto" | Mode): UserInterface => {
  const surroundings: Surroundings = { isTerminal: process.stderr.isTTY === true, environment: process.env }
  return { mode: chooseMode(ui, surroundings), color: chooseColor(surroundings) }
}

/** Whether what is written to both appears on one screen. */
const isSameTerminal = (): boolean =>
  process.stdout.isTTY === true && process.stderr.isTTY === true &&
  Result.getOrElse(Result.try(() => fstatSync(1).rdev === fstatSync(2).rdev), () => false)

/** Where the process shows an answer and what is said about it. */
export const standardStreams = (): Streams => ({
  stdout: process.stdout,
  stderr: process.stderr,
  isShared: isSameTerminal()
})
