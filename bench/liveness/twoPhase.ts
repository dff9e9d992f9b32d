/**
 * A long limit until the first token and a shorter one between tokens (netclaw, LiteLLM with both of its timeouts).
 *
 * On tokens, every token begins a new wait and nothing else does. On bytes ("byte-level"), every byte does, and the
 * first token only changes the limit.
 */
import type { Detector } from "./Detector.ts"

interface Options {
  readonly firstTokenSeconds: number
  readonly silenceSeconds: number
  readonly resets: "tokens" | "bytes"
}

const twoPhase = (name: string, { firstTokenSeconds, resets, silenceSeconds }: Options): Detector => ({
  name,
  rule: `${firstTokenSeconds} s until the first token, then ${silenceSeconds} s without a ${resets.slice(0, -1)}`,
  start: () => {
    let last = 0
    let begun = false
    return (what, at) => {
      if (what === "tick") return at - last > (begun ? silenceSeconds : firstTokenSeconds) * 1000
      begun ||= what === "token"
      if (what === "token" || resets === "bytes") last = at
      return false
    }
  }
})

export const twoPhase600: Detector = twoPhase("600/120 s", {
  firstTokenSeconds: 600,
  silenceSeconds: 120,
  resets: "tokens"
})
export const twoPhase1800Bytes: Detector = twoPhase("1800/600 bytes", {
  firstTokenSeconds: 1800,
  silenceSeconds: 600,
  resets: "bytes"
})
