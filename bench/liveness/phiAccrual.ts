/**
 * Phi accrual (Hayashibara et al., 2004) over the gaps between tokens: suspicion is how improbable the present silence
 * is after the gaps seen so far, phi = -log10(P(gap > silence)).
 *
 * `normal` follows Akka's PhiAccrualFailureDetector: the mean of the last 1000 gaps plus an acceptable pause, a least
 * standard deviation, its logistic approximation of the normal tail, and a history begun with two guesses around 1 s.
 * `exponential` follows Cassandra's FailureDetector: silence over the mean gap of the last 1000, begun with one of 2 s.
 * Neither has anything to say before the first token; a fixed limit does that for both.
 */
import type { Detector } from "./Detector.ts"

const WINDOW = 1000
const FIRST_TOKEN_MILLIS = 600_000

/** The mean and the deviation of the last gaps. */
class History {
  private readonly gaps = new Float64Array(WINDOW)
  private total = 0
  private sum = 0
  private squares = 0

  add(gap: number): void {
    const at = this.total++ % WINDOW
    const dropped = this.gaps[at]!
    this.gaps[at] = gap
    this.sum += gap - dropped
    this.squares += gap * gap - dropped * dropped
  }

  get mean(): number {
    return this.sum / Math.min(this.total, WINDOW)
  }

  get deviation(): number {
    return Math.sqrt(Math.max(0, this.squares / Math.min(this.total, WINDOW) - this.mean ** 2))
  }
}

interface Model {
  readonly begin: (history: History) => void
  readonly phi: (history: History, silence: number) => number
}

const normal = (leastDeviation: number, acceptablePause: number): Model => ({
  begin: (history) => {
    history.add(750)
    history.add(1250)
  },
  phi: (history, silence) => {
    const mean = history.mean + acceptablePause
    const y = (silence - mean) / Math.max(history.deviation, leastDeviation)
    const e = Math.exp(-y * (1.5976 + 0.070566 * y * y))
    return -Math.log10(silence > mean ? e / (1 + e) : 1 - 1 / (1 + e))
  }
})

const exponential = (floor: number): Model => ({
  begin: (history) => history.add(2000),
  phi: (history, silence) => silence < floor ? 0 : silence / history.mean / Math.LN10
})

const phiAccrual = (name: string, rule: string, threshold: number, model: Model): Detector => ({
  name,
  rule: `${rule}; ${FIRST_TOKEN_MILLIS / 1000} s until the first token`,
  start: () => {
    const history = new History()
    model.begin(history)
    let last: number | undefined
    return (what, at) => {
      if (what === "tick") {
        return last === undefined ? at > FIRST_TOKEN_MILLIS : model.phi(history, at - last) >= threshold
      }
      if (what !== "token") return false
      if (last !== undefined) history.add(at - last)
      last = at
      return false
    }
  }
})

export const phiAkka: Detector = phiAccrual(
  "phi Akka",
  "phi 8, normal, deviation at least 100 ms, pause 3 s",
  8,
  normal(100, 3000)
)
export const phiTuned: Detector = phiAccrual(
  "phi tuned",
  "phi 12, normal, deviation at least 500 ms, pause 30 s",
  12,
  normal(500, 30_000)
)
export const phiExponential: Detector = phiAccrual(
  "phi exp.",
  "phi 8, exponential, never before 10 s",
  8,
  exponential(10_000)
)
