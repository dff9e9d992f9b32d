/** Short ways to write a run down: some tokens, scrapes in a row, ticks throughout. For tests of single rules. */
import type { EngineSample } from "../../src/liveness/EngineSample.ts"
import type * as Input from "../../src/liveness/LivenessInput.ts"
import { defaults, type LivenessLimits } from "../../src/liveness/LivenessLimits.ts"
import { frame, headers, opened, play, sample, scrape, tick } from "./Worlds.ts"

export type Inputs = ReadonlyArray<Input.LivenessInput>

export const ticks = (from: number, to: number): Inputs => {
  const made: Array<Input.LivenessInput> = []
  for (let at = Math.ceil((from + 1) / 1000) * 1000; at <= to; at += 1000) made.push(tick(at))
  return made
}
export const merged = (...parts: ReadonlyArray<Inputs>): Inputs =>
  parts.flat().toSorted((one, other) => one.at - other.at || rank(one) - rank(other))
const rank = ({ _tag }: Input.LivenessInput) => _tag === "Opened" ? 0 : _tag === "Tick" ? 2 : 1

/** 20 tokens 100 ms apart, the first at 100 ms: enough gaps for a suspect limit of 5 s. The last is at 2000. */
export const twenty: Inputs = Array.from({ length: 20 }, (_, index) => frame((index + 1) * 100))
export const LAST = 2000

export const every = (
  from: number,
  to: number,
  outcome: (turn: number) => EngineSample | "refused" | "failed",
  more: Partial<Input.Scrape> = { openStreams: 1 }
): Inputs =>
  Array.from(
    { length: Math.floor((to - from) / 5000) + 1 },
    (_, turn) => scrape(from + turn * 5000, outcome(turn), more)
  )

export const moving = (more: Partial<EngineSample> = {}) => (turn: number) =>
  sample({ heartbeat: `${turn}`, decodeOutputs: turn, generationTokens: turn, ...more })

export const bound = opened({ binding: "proven" })

/** A run whose request was taken at once. */
export const run = (parts: ReadonlyArray<Inputs>, to: number, limits: LivenessLimits = defaults) =>
  play(merged(...parts, [headers], ticks(0, to)), limits)
