/** When a process that runs a campaign is killed: moments drawn from a seed, and how each is waited for. */
import * as Effect from "effect/Effect"
import { watch } from "node:fs"
import { dirname } from "node:path"
import type { SeededRandom } from "../../src/simulator/SeededRandom.ts"
import type { Running } from "./command.ts"

export const kinds = ["start", "play", "commit", "report", "end"] as const
export type Kind = typeof kinds[number]

export interface Moment {
  readonly kind: Kind
  /** After so many battles were scored in this life; where it is none, after the first one has begun. */
  readonly scored: number
  /** After so much more time; from its very beginning for `start`. */
  readonly delayMillis: number
  /** Of `commit`: at so many changes of the file's log more. */
  readonly writes: number
}

/** With so few battles left, the next moment is that of the last one. */
const NEARLY_DONE = 10
/** How often each kind comes before the last moments. */
const bag: Readonly<Record<Kind, number>> = { start: 24, play: 44, commit: 22, report: 8, end: 0 }
const LAST_MOMENTS = 2
/** All of them: 100. */
export const MOMENTS = kinds.reduce((sum, kind) => sum + bag[kind], LAST_MOMENTS)

export const momentsDrawn = (random: SeededRandom) => {
  const kindsLeft = kinds.flatMap((kind) => Array.from({ length: bag[kind] }, () => kind))
  const range = (most: number) => random.uniform() * most
  let ends = 0

  /** The next of them, with so many battles left to be scored, where a start takes so long. */
  return (pending: number, startMillis: number): Moment => {
    const at = { scored: 0, delayMillis: 0, writes: 0 }
    if (pending === 0) return { ...at, kind: "start", delayMillis: range(1.3 * startMillis) }
    const isLast = kindsLeft.length === 0 || (pending <= NEARLY_DONE && ends < LAST_MOMENTS)
    if (isLast) ends++
    const [kind] = isLast ? ["end" as const] : kindsLeft.splice(random.integer(kindsLeft.length), 1)
    const playing = kindsLeft.filter((kind) => kind === "play" || kind === "commit").length + LAST_MOMENTS
    const scored = Math.min(pending, Math.round(range(2 * pending / playing)))
    switch (kind!) {
      case "start":
        return { ...at, kind: "start", delayMillis: range(startMillis) }
      case "play":
        return { ...at, kind: "play", scored, delayMillis: range(40) }
      case "commit":
        return { ...at, kind: "commit", scored, writes: 1 + random.integer(3) }
      case "report":
        return { ...at, kind: "report", delayMillis: 1050 + range(300) }
      case "end":
        // It closes what it has opened for some time yet.
        return { ...at, kind: "end", scored: pending, delayMillis: range(20) }
    }
  }
}

export const scoredIn = (stderr: string): ReadonlyArray<string> =>
  Array.from(
    stderr.matchAll(/ battle +task=(\S+) repetition=(\d+) attempt=\d+ scored .*\n/g),
    ([, task, repetition]) => `${task} #${repetition}`
  )

/** Waits until what it has said so far fits. */
const said = ({ child, stderr }: Running, fits: (text: string) => boolean) =>
  Effect.callback<void>((resume) => {
    const look = () => fits(stderr()) && resume(Effect.void)
    child.stderr!.on("data", look)
    look()
    return Effect.sync(() => child.stderr!.off("data", look))
  })

const hasBegun = (stderr: string): boolean => / battle +.* began\n/.test(stderr)

/** Kills the process at its moment; says whether it did, as the process may have ended before. */
export const killAt = (life: Running, moment: Moment, database: string): Effect.Effect<boolean> => {
  const { delayMillis, kind, scored, writes } = moment
  const kill = Effect.sync(() => void life.child.kill("SIGKILL"))
  const come = said(life, (stderr) => scored === 0 ? hasBegun(stderr) : scoredIn(stderr).length >= scored)
  const then = kind === "start"
    ? Effect.andThen(Effect.sleep(delayMillis), kill)
    : kind === "commit"
    ? Effect.andThen(come, atWrite(database, writes, () => life.child.kill("SIGKILL")))
    : come.pipe(Effect.andThen(Effect.sleep(delayMillis)), Effect.andThen(kill))
  return Effect.raceFirst(Effect.andThen(then, life.exit), life.exit).pipe(
    Effect.map((code) => code === 137)
  )
}

/** Does it in the very moment in which the log of the file changes. */
const atWrite = (database: string, writes: number, act: () => void) =>
  Effect.callback<void>((resume) => {
    let left = writes
    const watcher = watch(dirname(database), (_, name) => {
      if (!`${name}`.endsWith("-wal") || --left > 0) return
      act()
      watcher.close()
      resume(Effect.void)
    })
    return Effect.sync(() => watcher.close())
  })
