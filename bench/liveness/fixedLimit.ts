/**
 * One limit on silence for the whole run: what most clients and proxies do (nginx, Envoy, opencode, Codex).
 *
 * On data frames, as a client sees them behind its SSE parser, or on bytes, as a proxy sees them: then comments count.
 * Headers count for both, as they begin the body that is waited for.
 */
import { type Detector, isFrame } from "./Detector.ts"

const fixedLimit = (name: string, limitSeconds: number, resets: "frames" | "bytes"): Detector => ({
  name,
  rule: `${limitSeconds} s without ${resets === "frames" ? "a data frame" : "a byte"}`,
  start: () => {
    let last = 0
    return (what, at) => {
      if (what === "tick") return at - last > limitSeconds * 1000
      if (resets === "bytes" || what === "headers" || isFrame(what)) last = at
      return false
    }
  }
})

export const fixed30Frames: Detector = fixedLimit("30 s", 30, "frames")
export const fixed30Bytes: Detector = fixedLimit("30 s bytes", 30, "bytes")
export const fixed300Frames: Detector = fixedLimit("300 s", 300, "frames")
