/**
 * Tokens that say when they were written, and who finds them again, whatever has been wrapped around them.
 *
 * A stamp is `@`, a whole number of microseconds, `;`. JSON leaves these characters as they are, and no agent adds any
 * such text; so every stamp in the bytes of a stream is one token.
 */
import { machineMillis } from "./machineMillis.ts"

const AT = 0x40
const ZERO = 0x30
const NINE = 0x39
const SEMICOLON = 0x3b

/** The text of a token that is written now. */
export const stampText = (): string => `@${Math.round(machineMillis() * 1000)};`

/** Reads pieces of a stream, wherever they are cut; tells the time of each stamp, in milliseconds. */
export const makeStampReader = (onStamp: (writtenAt: number) => void): (piece: Uint8Array, length: number) => void => {
  /** The digits read of a stamp that has begun. */
  let micros: number | undefined
  return (piece, length) => {
    let at = 0
    while (at < length) {
      if (micros === undefined) {
        at = piece.indexOf(AT, at) + 1
        if (at === 0 || at > length) return
        micros = 0
      }
      while (at < length) {
        const byte = piece[at++]!
        if (byte >= ZERO && byte <= NINE) {
          micros = micros * 10 + byte - ZERO
          continue
        }
        if (byte === SEMICOLON) onStamp(micros / 1000)
        micros = undefined
        break
      }
    }
  }
}
