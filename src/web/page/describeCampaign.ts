/**
 * The campaign as a whole, and its engines, in words. Pure.
 *
 * Law: an estimate is called one, comes with its interval where there is one, and is left out where nobody knows.
 */
import type { Gate, Lane, RunState, Totals } from "../Frame.ts"
import { singleLine } from "./harmless.ts"
import { planned } from "./PageState.ts"
import { clockTime, count, duration, listed, many, percent, rate, unknown } from "./words.ts"

/** What a campaign does, in a word. */
const runWord: Record<RunState["run"], string> = {
  running: "running",
  stopping: "stopping",
  stored: "not running",
  ended: "ended",
  cancelled: "cancelled"
}

/** What a campaign does, and why it does no more. */
export const describeRun = ({ lateMillis, run, why }: RunState): string =>
  listed([
    runWord[run],
    why !== null && singleLine(why, 160),
    lateMillis > 0 && run === "running" && `shown ${duration(lateMillis)} late`
  ], " · ")

/** How many battles are over, and how they ended. */
export const describeCounts = (totals: Totals): string => {
  const over = planned(totals) - totals.pending
  return listed([
    `${count(over)} of ${many(planned(totals), "battle")} over`,
    totals.active > 0 && `${count(totals.active)} in flight`,
    totals.waiting > 0 && `${count(totals.waiting)} between attempts`,
    totals.stalls > 0 && many(totals.stalls, "stall"),
    `${count(totals.attempts)} attempts ended`
  ], " · ")
}

/** How long it will take, as far as anybody can say. */
export const describeEstimate = ({ remaining, tokens, tokensPerSecond }: Totals, run: RunState["run"]): string =>
  listed([
    run === "running" && (remaining === null
      ? "time left not known yet"
      : `about ${duration(remaining.millis)} left${
        remaining.lowMillis === null || remaining.highMillis === null
          ? ""
          : ` (${duration(remaining.lowMillis)} to ${duration(remaining.highMillis)})`
      }`),
    run === "running" && `${rate(tokensPerSecond)} tokens/s`,
    tokens > 0 && `${count(tokens)} tokens`
  ], " · ")

/** Why no battle starts, for how long so far, and when it is tried again. */
export const describeGate = ({ nextCanaryAtMillis, of, sinceMillis, state, why }: Gate, now: number): string =>
  listed([
    `${singleLine(of, 100)}: ${gateWords[state]} for ${clockTime(now - sinceMillis)}`,
    nextCanaryAtMillis !== null && `tried again in ${clockTime(nextCanaryAtMillis - now)}`,
    singleLine(why, 200)
  ], " · ")

const gateWords: Record<Gate["state"], string> = {
  suspect: "in doubt",
  open: "no battle starts",
  "half-open": "one battle may start"
}

/** The state of a lane's gate, in a word. */
export const gateWord = ({ gate, halted }: Lane): string =>
  halted !== null ? "halted" : gate === null ? "open to battles" : gateWords[gate.state]

/** The figures of an engine: names, and values or – where it does not tell; of one that is not in use, what it was. */
export const describeLoad = (
  { active, concurrency, epoch, load }: Lane,
  now: number,
  isOver: boolean
): ReadonlyArray<readonly [name: string, value: string]> => {
  const known = (value: number | null | undefined, words: (value: number) => string) =>
    value === null || value === undefined ? unknown : words(value)
  const was: ReadonlyArray<readonly [string, string]> = [
    ["model", epoch === null ? unknown : singleLine(epoch.models, 120)],
    ["since", known(epoch?.startedAt, moment)]
  ]
  if (isOver) return was
  const battles: readonly [string, string] = ["our battles", `${count(active)} of ${count(concurrency)}`]
  if (load === null) return [battles, ["its metrics", "none"], ...was]
  return [
    ["running", known(load.running, count)],
    ["waiting", known(load.waiting, count)],
    ["KV cache", known(load.kvCacheUsage, percent)],
    ["tokens/s", known(load.tokensPerSecond, rate)],
    battles,
    [
      "its metrics",
      load.asleep === true ? "asleep" : now - load.atMillis < 1000 ? "just now" : `${duration(now - load.atMillis)} ago`
    ],
    ...was
  ]
}

/** A moment of a day, in the reader's own way to write it; milliseconds since 1970. */
export const moment = (at: number): string =>
  new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" })

/**
 * Why nothing comes any more: the server's own words where it refuses; where the campaign was over before, and its
 * dashboard with it (`file` is its store), no reason to worry.
 */
export const describeLoss = (
  { refusal, since }: { readonly refusal: string | null; readonly since: number },
  file: string | undefined
): string => {
  if (refusal !== null) return singleLine(refusal)
  if (file !== undefined) {
    return `The dashboard ended with its campaign. campaign dashboard --db ${singleLine(file, 120)} shows it again.`
  }
  const at = new Date(since).toLocaleTimeString()
  return `Connection lost at ${at}. What is shown is what was known then. Trying again…`
}
