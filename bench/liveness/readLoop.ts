/**
 * A check inside the loop that reads the stream: `for await (const frame of stream) if (now - last > limit) throw …`.
 *
 * The silence is looked at only when the next data frame arrives. So what never arrives is never found, and a stream is
 * given up at the very moment in which it proves that it lives.
 */
import { type Detector, isFrame } from "./Detector.ts"

const readLoop = (name: string, limitSeconds: number): Detector => ({
  name,
  rule: `more than ${limitSeconds} s since the last data frame, asked when the next one arrives`,
  start: () => {
    let last = 0
    return (what, at) => {
      if (!isFrame(what)) return false
      const silence = at - last
      last = at
      return silence > limitSeconds * 1000
    }
  }
})

export const readLoop75: Detector = readLoop("in loop 75 s", 75)
