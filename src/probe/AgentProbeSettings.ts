/** How an agent is probed: what it is asked, and how long anything is waited for. All times are in milliseconds. */

export interface AgentProbeSettings {
  /** The agent's address, with a slash at its end. */
  readonly url: string
  /** What makes a model write a long and even answer. */
  readonly prompt: string
  /** How long nothing new may come before an answer is taken for silent. */
  readonly patienceMillis: number
  /** The wait between two looks at a task or a card. */
  readonly pollMillis: number
  /** How long a cancelled engine is watched. */
  readonly settleMillis: number
}

/** Answers are read no longer than this many times the patience, also where they go on. */
export const MOST_PATIENCES = 5

/** How long an answer may take that needs no work. */
export const answerMillisOf = ({ patienceMillis }: Pick<AgentProbeSettings, "patienceMillis">): number =>
  Math.min(10_000, patienceMillis)

export const defaultPrompt = "Count from 1 to 100. Write every number as an English word on a line of its own, " +
  "and write nothing else."

export const defaultTimes = { patienceMillis: 60_000, pollMillis: 250, settleMillis: 1500 }
