/**
 * One seeded night: what every battle would take, which attempts hang, and when the engine is in trouble. Pure.
 *
 * Both policies play the same night: the same battle takes as long, and hangs at the same place of the same attempt,
 * whoever asks for it. Troubles come by the clock: in one the engine process is restarted, which loses all that is in
 * flight; in the other it stands still as a whole until somebody restarts it.
 *
 * Times are whole seconds since the beginning of the night, or of an attempt.
 */
import { between, randomOf, seedOf } from "../../src/testing/Random.ts"

/** What an engine does with one request, in seconds of its work. */
export interface Answer {
  /** Until its end. */
  readonly seconds: number
  /** Before the first token. */
  readonly prefillSeconds: number
  /** It decodes, and nothing of it is sent: hidden reasoning. */
  readonly unseen: { readonly from: number; readonly until: number } | undefined
  /** From then on the engine has forgotten it: the connection stays open and nothing comes any more. */
  readonly lostAt: number | undefined
}

/** A time in which the engine does not serve: it stands still or not, and is then gone while its model is loaded. */
export interface Trouble {
  readonly kind: "hang" | "restart"
  readonly from: number
  /** When its process ends; whatever it held is lost. */
  readonly killedAt: number
  /** When it serves again. */
  readonly until: number
}

export interface NightOptions {
  readonly seed: number
  readonly tasks: number
  readonly repetitions: number
  /** The share of battles with hidden reasoning, 0 to 1. */
  readonly unseen: number
}

/** A task and a repetition, both from 0. */
export interface NightBattle {
  readonly task: number
  readonly repetition: number
}

export interface Night extends NightOptions {
  /** In the order of coverage: every task once before any twice. */
  readonly battles: ReadonlyArray<NightBattle>
  /** `attempt` from 1. */
  readonly answer: (battle: NightBattle, attempt: number) => Answer
  readonly troubles: ReadonlyArray<Trouble>
}

const SHORTEST = 150
const LONGEST = 300
/** The share of attempts that the engine forgets. */
const LOST = 0.02
/** How long hidden reasoning is. */
const UNSEEN_SECONDS = [20, 90] as const
const HANG = 600
const LOADING = 120
const MINUTE = 60

export const nightOf = (options: NightOptions): Night => {
  const { repetitions, seed, tasks, unseen } = options
  return {
    ...options,
    battles: Array.from({ length: tasks * repetitions }, (_, index) => ({
      task: index % tasks,
      repetition: Math.floor(index / tasks)
    })),
    answer: ({ repetition, task }, attempt) => {
      const ofBattle = randomOf(seedOf(seed, `battle of task ${task}`, repetition))
      const seconds = between(ofBattle, SHORTEST, LONGEST)
      const prefillSeconds = between(ofBattle, 0, 2)
      const isUnseen = ofBattle() < unseen
      const from = between(ofBattle, 10, 60)
      const until = from + between(ofBattle, ...UNSEEN_SECONDS)
      const ofAttempt = randomOf(seedOf(seed, `attempt ${attempt} of task ${task}`, repetition))
      const isLost = ofAttempt() < LOST
      return {
        seconds,
        prefillSeconds,
        unseen: isUnseen ? { from, until } : undefined,
        lostAt: isLost ? between(ofAttempt, 5, seconds - 5) : undefined
      }
    },
    troubles: troublesOf(seed)
  }
}

/** One early, one late in the shortest night; which is which is chance. */
const troublesOf = (seed: number): ReadonlyArray<Trouble> => {
  const random = randomOf(seedOf(seed, "troubles", 0))
  const kinds = random() < 0.5 ? ["hang", "restart"] as const : ["restart", "hang"] as const
  const times = [between(random, 10 * MINUTE, 25 * MINUTE), between(random, 45 * MINUTE, 60 * MINUTE)]
  return kinds.map((kind, index) => {
    const from = times[index]!
    const killedAt = kind === "hang" ? from + HANG : from
    return { kind, from, killedAt, until: killedAt + LOADING }
  })
}
