/** How this process shows progress: what was asked, and what stderr is. */
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
