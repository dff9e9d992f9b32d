/**
 * The rhythm of a token stream as a strip of signs, one for each quarter of a second, the present at the right edge.
 *
 * The scale is fixed, in octaves (▁ is 1 token, █ 128 or more), so strips can be compared with each other and with what
 * they were; · is silence.
 */
import * as Cadence from "./Cadence.ts"
import { type Piece, piece } from "./StyledLine.ts"

const levels = "▁▂▃▄▅▆▇█"

/** The last quarters of a second, at most `columns` of them, one sign each. */
export const signsOf = (cadence: Cadence.Cadence, now: number, columns: number): string =>
  Cadence.recent(cadence, now, columns)
    .map((tokens) => tokens <= 0 ? "·" : levels[Math.min(levels.length - 1, Math.floor(Math.log2(tokens)))]!)
    .join("")

/** The strip in pieces of silence and of tokens. */
export const runs = (signs: string): ReadonlyArray<Piece> =>
  (signs.match(/·+|[^·]+/gu) ?? []).map((run) => piece(run, run.startsWith("·") ? "dim" : "plain"))
