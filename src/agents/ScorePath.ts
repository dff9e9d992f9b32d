/**
 * Where a score stands in the result of somebody else's green agent, as a task says it.
 *
 *     results.0.score        keys and indexes; results[0].score means the same
 *     results.*.score        every element: the mean of all
 *     total_points / 40      of so many; the divisor may be a path beside it: total_points / possible_points
 *
 * Laws: every step must lead somewhere, for `*` in every element; keys may contain dots. Nothing inherited is ever found.
 */
import * as Result from "effect/Result"

/** A value with its neighbours. */
export interface Place {
  readonly path: string
  readonly value: unknown
  /** The last key or index of the path. */
  readonly key: string
  /** What holds it. */
  readonly parent: unknown
}

export interface ScorePath {
  readonly text: string
  readonly steps: ReadonlyArray<string>
  /** A number, or a key beside the score; `undefined` where none was written. */
  readonly divisor: number | string | undefined
}

const stepsOf = (text: string): ReadonlyArray<string> =>
  text.replaceAll(/\[(\d+|\*)\]/g, ".$1").split(".").filter((step) => step !== "")

/** The path that a task writes; fails with what is wrong with it. */
export const parse = (text: string): Result.Result<ScorePath, string> => {
  const [path = "", divisor, ...more] = text.trim().split(/\s+\/\s+/)
  const steps = stepsOf(path)
  if (steps.length === 0 || more.length > 0 || divisor === "") {
    return Result.fail(`the score path ${JSON.stringify(text)} is none; expected one such as "results.0.score"`)
  }
  const number = Number(divisor)
  if (divisor !== undefined && Number.isFinite(number) && number <= 0) {
    return Result.fail(`the score path ${JSON.stringify(text)} divides by ${divisor}`)
  }
  return Result.succeed({
    text: path,
    steps,
    divisor: divisor === undefined || Number.isNaN(number) ? divisor : number
  })
}

/** The values at the path; none if a step leads nowhere. */
export const resolve = (root: unknown, steps: ReadonlyArray<string>): ReadonlyArray<Place> =>
  walk({ path: "", value: root, key: "", parent: undefined }, steps) ?? []

const child = ({ path, value }: Place, key: string): Place | undefined =>
  typeof value === "object" && value !== null && Object.hasOwn(value, key) &&
    !(Array.isArray(value) && key === "length")
    ? { path: path === "" ? key : `${path}.${key}`, value: (value as Record<string, unknown>)[key], key, parent: value }
    : undefined

const walk = (place: Place, steps: ReadonlyArray<string>): ReadonlyArray<Place> | undefined => {
  const [step] = steps
  if (step === undefined) return [place]
  if (step === "*") {
    if (!Array.isArray(place.value) || place.value.length === 0) return undefined
    const found: Array<Place> = []
    for (const index of place.value.keys()) {
      const places = walk(child(place, String(index))!, steps.slice(1))
      if (places === undefined) return undefined
      found.push(...places)
    }
    return found
  }
  for (let count = 1; count <= steps.length; count++) {
    const next = child(place, steps.slice(0, count).join("."))
    const found = next === undefined ? undefined : walk(next, steps.slice(count))
    if (found !== undefined) return found
  }
  return undefined
}

const MOST_LEAVES = 200
const DEEPEST = 8

/** Paths of numbers, truth values and short texts in a value, the outermost first: what a path may have meant. */
export const leavesOf = (root: unknown): ReadonlyArray<string> => {
  const leaves: Array<string> = []
  let level: ReadonlyArray<Place> = [{ path: "", value: root, key: "", parent: undefined }]
  for (let depth = 0; depth < DEEPEST && leaves.length < MOST_LEAVES; depth++) {
    const next: Array<Place> = []
    for (const place of level) {
      const { value } = place
      if (typeof value === "object" && value !== null) {
        for (const key of Object.keys(value).slice(0, MOST_LEAVES)) {
          if (next.length < 10 * MOST_LEAVES) next.push(child(place, key)!)
        }
      } else if (place.path !== "" && (typeof value === "number" || typeof value === "boolean")) leaves.push(place.path)
    }
    level = next
  }
  return leaves.slice(0, MOST_LEAVES)
}
