/**
 * The night of the example report: who plays what, how long each answer takes, what each is worth, and when engines are in
 * trouble. Pure, and from a seed.
 *
 * It is made to show every part of a report, not to say how often anything comes: one engine hangs as a whole and is
 * restarted, one is restarted, one stands still for a while and tells no metrics; a few requests are forgotten by their
 * engine, a few end in an error, one task is refused by one agent.
 */
import { logNormal, type Random, randomOf, seedOf } from "../../src/testing/Random.ts"

const SECOND = 1000
const MINUTE = 60 * SECOND

export interface ExampleAgent {
  readonly name: string
  readonly model: string
  /** Between two arrivals, in the median, in milliseconds. */
  readonly gapMillis: number
  readonly gapSpread: number
  /** Added to the difficulty of a task, 0 to 1. */
  readonly skill: number
  /** The share of answers before which it reasons without a word, and for how long. */
  readonly hidden: { readonly share: number; readonly fromMillis: number; readonly untilMillis: number }
  readonly hasMetrics: boolean
  readonly troubles: ReadonlyArray<Trouble>
}

/** `killedAtMillis` ends its process; a trouble without that ends by itself. Times since the beginning of the campaign. */
export interface Trouble {
  readonly stopsAtMillis: number
  readonly killedAtMillis: number | null
  readonly servesAtMillis: number
}

const noReasoning = { share: 0, fromMillis: 0, untilMillis: 0 }

export const agents: ReadonlyArray<ExampleAgent> = [
  {
    name: "qwen3-32b",
    model: "Qwen/Qwen3-32B",
    gapMillis: 48,
    gapSpread: 0.35,
    skill: 0.05,
    hidden: noReasoning,
    hasMetrics: true,
    // It hangs as a whole, and somebody restarts it.
    troubles: [{ stopsAtMillis: 21 * MINUTE, killedAtMillis: 30 * MINUTE, servesAtMillis: 32 * MINUTE }]
  },
  {
    name: "qwen3-32b-thinking",
    model: "Qwen/Qwen3-32B",
    gapMillis: 55,
    gapSpread: 0.4,
    skill: 0.2,
    hidden: { share: 0.6, fromMillis: 20 * SECOND, untilMillis: 260 * SECOND },
    hasMetrics: true,
    // Its process is gone and comes back.
    troubles: [{ stopsAtMillis: 64 * MINUTE, killedAtMillis: 64 * MINUTE, servesAtMillis: 66 * MINUTE }]
  },
  {
    name: "mistral-small-cpu",
    model: "mistralai/Mistral-Small-3.2-24B",
    gapMillis: 115,
    gapSpread: 0.6,
    skill: -0.1,
    hidden: noReasoning,
    hasMetrics: false,
    // It stands still for a while, and goes on.
    troubles: [{ stopsAtMillis: 40 * MINUTE, killedAtMillis: null, servesAtMillis: 40 * MINUTE + 85 * SECOND }]
  }
]

/** Tasks with how hard they are: the share of hidden tests that an answer fails in the middle. */
export const tasks: ReadonlyArray<{ readonly id: string; readonly hardness: number }> = [
  { id: "balanced-brackets", hardness: 0.1 },
  { id: "diff-lines", hardness: 0.55 },
  { id: "interval-merge", hardness: 0.25 },
  { id: "json-pointer", hardness: 0.35 },
  { id: "lru-cache", hardness: 0.3 },
  { id: "parse-dates", hardness: 0.7 },
  { id: "rate-limiter", hardness: 0.5 },
  { id: "roman-numerals", hardness: 0.15 },
  { id: "run-length", hardness: 0.1 },
  { id: "sudoku", hardness: 0.8 },
  { id: "topological-sort", hardness: 0.4 },
  { id: "word-wrap", hardness: 0.45 }
]

/** What an engine does with one request. */
export interface ExampleAnswer {
  readonly prefillMillis: number
  /** Milliseconds to each arrival from the one before, and its tokens; the last ends the answer. */
  readonly arrivals: ReadonlyArray<readonly [gapMillis: number, tokens: number]>
  /** Of the first arrivals nothing is shown. */
  readonly hiddenMillis: number
  /** The engine forgets it after so many arrivals; the connection stays open. */
  readonly lostAfter: number | null
  /** An error event comes after so many. */
  readonly errorAfter: number | null
  readonly refused: boolean
  /** Hidden tests that pass, of ten. */
  readonly passed: number
}

const SHARE_LOST = 0.025
const SHARE_BROKEN = 0.02
const TESTS = 10
const refusedTask = "sudoku"
const refusingAgent = "mistral-small-cpu"

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value))

const arrivalsOf = (random: Random, { gapMillis, gapSpread }: ExampleAgent): ExampleAnswer["arrivals"] =>
  Array.from(
    { length: Math.round(clamp(logNormal(random, 620, 0.5), 150, 2400)) },
    () => [logNormal(random, gapMillis, gapSpread), random() < 0.06 ? 2 : 1]
  )

/** The answer to an attempt; what a battle takes and is worth follows from the battle, what goes wrong from the attempt. */
export const answerOf = (
  seed: number,
  agent: ExampleAgent,
  battle: { readonly task: string; readonly repetition: number },
  attempt: number
): ExampleAnswer => {
  const ofBattle = randomOf(seedOf(seed, `${agent.name} ${battle.task}`, battle.repetition))
  const ofAttempt = randomOf(seedOf(seed, `${agent.name} ${battle.task} attempt ${attempt}`, battle.repetition))
  const hardness = tasks.find(({ id }) => id === battle.task)?.hardness ?? 0.5
  const arrivals = arrivalsOf(ofBattle, agent)
  const { fromMillis, share, untilMillis } = agent.hidden
  const hiddenMillis = ofBattle() < share ? fromMillis + ofBattle() * (untilMillis - fromMillis) : 0
  const quality = clamp(1 - hardness + agent.skill + (ofBattle() - 0.5) * 0.7, 0, 1)
  return {
    prefillMillis: logNormal(ofAttempt, 650, 0.4),
    arrivals,
    hiddenMillis,
    lostAfter: ofAttempt() < SHARE_LOST ? Math.floor(ofAttempt() * arrivals.length) : null,
    errorAfter: ofAttempt() < SHARE_BROKEN ? Math.floor(ofAttempt() * arrivals.length) : null,
    refused: agent.name === refusingAgent && battle.task === refusedTask && ofBattle() < 0.5,
    passed: Math.round(quality * TESTS)
  }
}

/** Of a canary: two tokens at once. */
export const canaryAnswer: ExampleAnswer = {
  prefillMillis: 300,
  arrivals: [[40, 1], [40, 1], [40, 1]],
  hiddenMillis: 0,
  lostAfter: null,
  errorAfter: null,
  refused: false,
  passed: TESTS
}

/** The words of an answer's last arrival, from which its grade is read. */
export const lastWords = ({ passed }: ExampleAnswer): string => ` [${passed} of ${TESTS}]`

export const passedOf = (answer: string): { readonly passed: number; readonly tests: number } => ({
  passed: Number(/ \[(\d+) of \d+\]$/.exec(answer)?.[1] ?? 0),
  tests: TESTS
})
